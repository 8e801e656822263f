"""What a trained model says of sound: files in, one row per clip (or per window of it) out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.artifact import Artifact
from seqpool.errors import DataError, UsageError
from seqpool.io.audio import find_audio, read_audio
from seqpool.io.tables import Table, concatenated
from seqpool.jobs.classify import ClassifiedRecording, averaged, interpreted, table_columns, table_rows
from seqpool.jobs.recording_inputs import OnError, OnNote, raised
from seqpool.options.audio import Audio
from seqpool.signal.sound import prepare_sound
from seqpool.signal.windows import window_starts

TASK = "audio"

BATCH_WINDOWS = 16

Sound = NDArray[np.float32]


def sound_input(artifact: Artifact) -> Audio:
    """What the model hears. Raises UsageError for a model that does not take sound."""
    if not isinstance(artifact.input, Audio):
        raise UsageError(f"the model is for {artifact.facts.job}, not for audio: see seqpool describe.")
    return artifact.input


def found_clips(inputs: Iterable[str], on_error: OnError) -> list[str]:
    """The files that the inputs stand for; a folder without audio, and a name without a file, go to `on_error`."""
    names: list[str] = []
    for name in inputs:
        try:
            names += find_audio([name])
        except DataError as error:
            on_error(error)
    return names


def classified_clips(
    names: Iterable[str], artifact: Artifact, *, rate_hz: float | None = None, on_error: OnError, on_note: OnNote
) -> Iterator[ClassifiedRecording]:
    """Answers for clips, one by one in order.

    rate_hz: of a file whose header states none. A file that cannot be read or judged is given to `on_error` and has no
    answer; what was assumed or changed (channels averaged, another rate) is given to `on_note`.
    Raises UsageError where the model does not take sound.
    """
    reads = sound_input(artifact)
    for name in names:
        try:
            clip = read_audio(name, rate_hz=rate_hz)
            sound, notes, start_s = prepare_sound(clip.samples, clip.rate_hz, reads)
            starts, length = window_places(sound.shape[1], reads)
            _require_length(name, length, reads, artifact)
        except DataError as error:
            on_error(error)
            continue
        for note in (*clip.notes, *notes):
            on_note(f"{name}: {note}.")
        windows = interpreted(_outputs(sound, starts, length, artifact), artifact)
        channels = ";".join(str(number) for number in range(1, len(clip.samples) + 1))
        yield ClassifiedRecording(
            record=clip.source,
            lead=channels,
            duration_s=clip.duration_s,
            start_s=start_s + starts / reads.rate_hz,
            end_s=np.minimum(start_s + (starts + length) / reads.rate_hz, clip.duration_s),
            windows=windows,
            answer=averaged(windows, np.full(len(starts), length), artifact),
        )


def clip_rows(
    result: ClassifiedRecording, *, windows: bool, abstain_below: float | None = None
) -> dict[str, NDArray[Any]]:
    """The rows of one clip: those of a recording, with the task `audio` and the file's channels as `lead`."""
    rows = table_rows(result, windows=windows, abstain_below=abstain_below)
    return {**rows, "task": np.array([TASK] * len(rows["record"]), dtype=object)}


def classify_clips(
    given: Iterable[str | Path],
    artifact: Artifact,
    rate_hz: float | None,
    on_error: OnError | None,
    *,
    windows: bool,
    abstain_below: float | None,
) -> Table:
    """What `seqpool classify` prints of files and folders of sound, as columns; on_error None: errors are raised."""
    report = on_error or raised
    names = found_clips([str(name) for name in given], report)
    results = classified_clips(names, artifact, rate_hz=rate_hz, on_error=report, on_note=lambda note: None)
    rows = [clip_rows(result, windows=windows, abstain_below=abstain_below) for result in results]
    return concatenated(rows, table_columns(artifact, windows=windows))


def window_places(samples: int, reads: Audio) -> tuple[NDArray[np.int64], int]:
    """Starts of the windows, and the length of each."""
    window = samples if reads.window_s is None else max(round(reads.window_s * reads.rate_hz), 1)
    stride = max(window // 2, 1) if reads.stride_s is None else max(round(reads.stride_s * reads.rate_hz), 1)
    return window_starts(samples, window, stride), min(window, samples)


def _require_length(name: str, length: int, reads: Audio, artifact: Artifact) -> None:
    wanted = artifact.facts.length if artifact.takes_one_length else None
    if wanted is not None and length != wanted:
        raise DataError(f"{name}: {length / reads.rate_hz:g} s of sound, the model takes {wanted / reads.rate_hz:g} s.")


def _outputs(sound: Sound, starts: NDArray[np.int64], length: int, artifact: Artifact) -> NDArray[np.float64]:
    """(windows, outputs) of windows of one length."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(starts), BATCH_WINDOWS):
            pieces = [sound[:, start : start + length] for start in starts[first : first + BATCH_WINDOWS].tolist()]
            x = torch.from_numpy(np.stack(pieces))
            lengths = torch.full((len(x),), length, dtype=torch.int64)
            found.append(artifact.network(x, lengths).numpy().astype(np.float64))
    return np.concatenate(found)
