"""From an option record to a network."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor, nn

from seqpool.alphabet import DNA, Alphabet
from seqpool.errors import UsageError
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.codon_encoder import CodonEncoder
from seqpool.nn.decoders import SampleLabeller
from seqpool.nn.encoder import Encoder
from seqpool.nn.intervals import interval_of
from seqpool.nn.letters import OneHot
from seqpool.nn.map_layers import MapLayers
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.options import map_networks, networks
from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.images import Image
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.pooling.intervals import Bounds


class LetterNetwork(nn.Module):
    """A network on channels that takes letter codes too: (N, L) uint8 codes or (N, letters, L) float."""

    def __init__(self, alphabet: Alphabet, network: nn.Module) -> None:
        super().__init__()
        self.one_hot = OneHot(alphabet)
        self.network = network

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What the network returns."""
        x = self.one_hot(x)
        return self.network(x) if lengths is None else self.network(x, lengths)  # type: ignore[no-any-return]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of what the network returns while the channels stay in a box."""
        return interval_of(self.network, lower, upper, lengths)


def build_network(
    options: networks.Network, network_input: NetworkInput, outputs: int, length: int | None
) -> nn.Module:
    """The network that a record describes.

    outputs: logits per input. length: of every input, None where they differ. Raises UsageError where the record does
    not fit the input.
    """
    alphabet = network_input.letters if isinstance(network_input, Letters) else None
    try:
        if isinstance(options, networks.MotifDetector):
            if alphabet is None:
                raise ValueError("MotifDetector takes letters; for signals use Encoder")
            if alphabet.complement is None and options.strands != "forward":
                raise ValueError(f"{alphabet.name} sequences have one strand: set strands: forward")
            if options.fixed_length and length is None:
                raise ValueError("position_bins needs inputs of one length, and these differ in length")
            return MotifDetector(options, alphabet, outputs)
        if isinstance(options, networks.CodonEncoder):
            if alphabet is not DNA:
                raise ValueError("CodonEncoder takes DNA")
            if outputs != 1 + options.frames:
                raise ValueError(f"{options.frames} frames give {1 + options.frames} answers, the data has {outputs}")
            return CodonEncoder(options)
        if isinstance(options, networks.Encoder):
            network: nn.Module = Encoder(options, network_input.channels, outputs, length)
        elif isinstance(options, networks.SampleLabeller):
            network = SampleLabeller(options, network_input.channels, outputs)
        elif isinstance(options, map_networks.SpectrogramEncoder):
            rate_hz = getattr(network_input, "rate_hz", None)
            if rate_hz is None:
                raise ValueError("it takes sound or recordings, which have a sampling rate")
            network = SpectrogramEncoder(options, network_input.channels, rate_hz, outputs, length)
        elif isinstance(options, map_networks.ImageEncoder):
            if not isinstance(network_input, Image):
                raise ValueError("it takes images; for sound and recordings use SpectrogramEncoder")
            size = (network_input.rows, network_input.columns)
            network = MapLayers(options, options.strides, network_input.channels, *size, outputs)
        elif isinstance(options, networks.BeatNetwork):
            if not isinstance(network_input, BeatSignal):
                raise ValueError("it is for recordings whose beats are marked: data Beats")
            network = BeatNetwork(options, network_input.beats, outputs)
        else:
            network = _own_network(options, network_input.channels, outputs, length)
    except ValueError as error:
        raise UsageError(f"{networks.network_config(options)['class_path']}: {error}.") from error
    return network if alphabet is None else LetterNetwork(alphabet, network)


def _own_network(options: networks.OwnNetwork, channels: int, outputs: int, length: int | None) -> nn.Module:
    module, _, name = options.class_path.rpartition(".")
    try:
        cls = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"network {options.class_path} cannot be imported: {error}.") from error
    try:
        network = cls(channels=channels, outputs=outputs, length=length, **options.init_args)
    except TypeError as error:
        raise UsageError(
            f"network {options.class_path} cannot be made: {error} "
            "(its constructor takes channels, outputs, length and the init_args of the config)."
        ) from error
    if not isinstance(network, torch.nn.Module):
        raise UsageError(f"network {options.class_path} is a {type(network).__name__}, expected a torch.nn.Module.")
    return network
