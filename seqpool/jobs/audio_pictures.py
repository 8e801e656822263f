"""Pictures of clips with what each cell of the network's final map says for the class that was decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqpool.artifact import Artifact
from seqpool.errors import UsageError
from seqpool.io.audio import AudioClip
from seqpool.jobs.classify_audio import sound_input, window_places
from seqpool.nn.spectrogram import Spectrogram
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.plots.spectrogram import CellPicture
from seqpool.signal.filter_banks import band_edges_hz
from seqpool.signal.sound import prepare_sound


def cell_evidence(network: SpectrogramEncoder, x: Tensor, output: int) -> NDArray[np.float64]:
    """(rows, columns) of the final map of one clip (1, channels, L): value times gradient of an output, over channels.

    Where pooling and head are linear or a maximum, the cells' evidence and the head's bias sum to the output.
    """
    with torch.no_grad():
        maps, _ = network.maps(x)
    maps = maps.clone().requires_grad_()
    with torch.enable_grad():
        answer = network.layers.answer(maps)[0, output]
    (gradient,) = torch.autograd.grad(answer, maps)
    return np.asarray((maps * gradient).sum(dim=1)[0].detach().numpy(), dtype=np.float64)


def cell_pictures(clip: AudioClip, artifact: Artifact) -> Iterator[CellPicture]:
    """A picture for each window of the clip, or one of all of it, for the class of the largest output.

    Raises UsageError for a network without a spectrogram.
    """
    reads, network = sound_input(artifact), artifact.network
    if not isinstance(network, SpectrogramEncoder):
        raise UsageError(f"--plot draws what a SpectrogramEncoder sees, and the network is {type(network).__name__}.")
    sound, _, start_s = prepare_sound(clip.samples, clip.rate_hz, reads)
    starts, length = window_places(sound.shape[1], reads)
    front = _in_decibels(network)
    classes = artifact.facts.classes
    for start in starts.tolist():
        x = torch.from_numpy(sound[None, :, start : start + length])
        with torch.no_grad():
            outputs = network(x)[0]
            decibels = front(x)[0, 0].numpy().astype(np.float64)
        best = int(outputs.argmax())
        named = classes[1] if artifact.facts.target == "binary" else classes[best]
        time, frequency = (int(np.prod(one)) for one in zip(*network.layers.strides, strict=True))
        yield CellPicture(
            decibels=decibels,
            band_hz=_band_middles_hz(front),
            start_s=start_s + start / reads.rate_hz,
            frame_s=1 / front.frame_rate_hz,
            evidence=cell_evidence(network, x, best),
            cell=(time, frequency),
            title=f"{Path(clip.source).name}   evidence for {named}",
        )


def _in_decibels(network: SpectrogramEncoder) -> Spectrogram:
    """The network's bands, in decibels of at most 80 below the peak."""
    options = replace(
        network.options.front, compression="decibel", level="none", normalise="none", log_floor=1e-12, views=("plain",)
    )
    return Spectrogram(options, network.front.rate_hz)


def _band_middles_hz(front: Spectrogram) -> NDArray[np.float64]:
    options = front.options
    if options.bands == "linear":
        return np.asarray(np.arange(front.bands) * (front.rate_hz / front.transform), dtype=np.float64)
    highest = front.rate_hz / 2 if options.highest_hz is None else options.highest_hz
    return band_edges_hz(options.bands, front.bands, options.lowest_hz, highest)[1:-1]
