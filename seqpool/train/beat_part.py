"""One side of a split of recordings with marked beats: single beats drawn by class, and windows of the lead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqpool.options.beats import BeatAugmentation
from seqpool.options.beats import Beats as Options
from seqpool.options.training import BEAT_CLASSES
from seqpool.train.data_module import Batches
from seqpool.train.peak_part import PeakRecording, PeakWindows
from seqpool.train.recording_part import Values

UNTAUGHT = -1
"""Class number of a beat of class Q."""

FLUTTER_EDGE_S = 0.1
"""An episode of flutter begins and ends about here or there."""

_BEATS, _WINDOWS = 1, 2
"""Which numbers of an epoch are drawn."""


@dataclass(frozen=True)
class MarkedBeats:
    """One recording as the networks eat it.

    values: (1, L) of the lead. peaks_s: (beats,) R peaks as marked, in seconds from its first sample. classes: AAMI,
    of each. difference, features: of each, as `seqpool.signal.beat_inputs` makes them. flutter_s: (start, end) of
    episodes of ventricular flutter.
    """

    values: Values
    peaks_s: NDArray[np.float64]
    classes: tuple[str, ...]
    difference: Values
    features: Values
    flutter_s: tuple[tuple[float, float], ...]

    def class_numbers(self) -> NDArray[np.int64]:
        """(beats,) place in BEAT_CLASSES, UNTAUGHT for Q."""
        number = {name: place for place, name in enumerate(BEAT_CLASSES)}
        return np.array([number.get(name, UNTAUGHT) for name in self.classes], dtype=np.int64)


class BeatBatch(NamedTuple):
    """Everything a step needs.

    difference (N, samples), features (N, features), target (N,) class numbers: of the beats. x (M, 1, L), peaks (M, L)
    in [0, 1], known (M, L): windows for the detector, none outside training. row: (N,) which of an epoch's draws a beat
    is; outside training, the recording it is of.
    """

    difference: Tensor
    features: Tensor
    target: Tensor
    x: Tensor
    peaks: Tensor
    known: Tensor
    row: Tensor


class BeatPart:
    """Rows of recordings.

    ids: names as found. digests: of each recording. recordings: of each. number: (rows,) the recording's number in the
    data, by which augmentation knows it on whatever side it is.
    """

    def __init__(
        self,
        ids: Sequence[str],
        digests: Sequence[str],
        recordings: Sequence[MarkedBeats],
        number: NDArray[np.int64],
        options: Options,
    ) -> None:
        self.ids = ids
        self.digests = digests
        self.recordings = recordings
        self.target = np.full(len(ids), np.nan)
        self.weight = np.ones(len(ids))
        self.options = options
        rate_hz = options.signal.rate_hz
        self._numbers = [one.class_numbers() for one in recordings]
        self.windows = PeakWindows(
            [_peak_recording(name, one, rate_hz) for name, one in zip(ids, recordings, strict=True)],
            number,
            options.augment,
            rate_hz,
            options.windows_per_step * -(-self.draws // options.batch_size),
        )

    @property
    def draws(self) -> int:
        """Beats of a training epoch."""
        return sum(count for name, count in self._counts().items() if self._holders(name)[1].any())

    def _counts(self) -> dict[str, int]:
        return {name: count for name, count in self.options.beats.items() if count}

    def _holders(self, name: str) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
        """Places of a class's beats in each recording, and (recordings,) the square roots of how many those are."""
        places = [np.flatnonzero(numbers == BEAT_CLASSES.index(name)) for numbers in self._numbers]
        return places, np.sqrt([len(one) for one in places])

    def drawn(self, epoch: int, seed: int) -> NDArray[np.int64]:
        """(draws, 2) recording and beat of an epoch's draws, a function of (seed, epoch)."""
        found = []
        for number, (name, count) in enumerate(self._counts().items()):
            places, weight = self._holders(name)
            if not weight.any():
                continue
            rng = np.random.default_rng([seed, epoch, _BEATS, number])
            holder = rng.choice(len(places), size=count, p=weight / weight.sum()).tolist()
            within = rng.random(count).tolist()
            beat = [int(places[one][int(share * len(places[one]))]) for one, share in zip(holder, within, strict=True)]
            found.append(np.stack([holder, beat], axis=1))
        return np.concatenate(found)

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(N, samples) differences of the first beat of each recording, and their lengths: beats have no rows."""
        first = np.stack([self.recordings[row].difference[0] for row in rows])
        return first[:, None], np.full(len(rows), first.shape[1], dtype=np.int64)

    def training_batch(
        self, draws: NDArray[np.int64], rows: NDArray[np.int64], windows: NDArray[np.int64], epoch: int, seed: int
    ) -> BeatBatch:
        """The batch of these rows of an epoch's draws and these of its windows."""
        chosen = draws[rows].tolist()
        difference = np.stack([self.recordings[one].difference[beat] for one, beat in chosen])
        features = np.stack([self.recordings[one].features[beat] for one, beat in chosen])
        target = np.array([self._numbers[one][beat] for one, beat in chosen])
        rng = np.random.default_rng([seed, epoch, _WINDOWS, int(rows[0])])
        difference = varied_beats(difference, self.options.vary, rng, self.options.signal.rate_hz)
        x, peaks, known = self.windows.batch(windows, epoch, seed)
        return BeatBatch(
            torch.from_numpy(difference),
            torch.from_numpy(features),
            torch.from_numpy(target),
            x,
            peaks,
            known,
            torch.from_numpy(rows),
        )

    def recording_batch(self, row: int) -> BeatBatch:
        """All beats of a recording as they are, and no window."""
        one = self.recordings[row]
        target = torch.from_numpy(self._numbers[row])
        nothing = torch.zeros((0, 1, 0))
        return BeatBatch(
            torch.from_numpy(one.difference),
            torch.from_numpy(one.features),
            target,
            nothing,
            nothing[:, 0],
            nothing[:, 0].bool(),
            torch.full_like(target, row),
        )


def _peak_recording(name: str, one: MarkedBeats, rate_hz: float) -> PeakRecording:
    seconds = np.arange(one.values.shape[1]) / rate_hz
    unknown = np.zeros(len(seconds), dtype=bool)
    for start, end in one.flutter_s:
        unknown |= (seconds >= start - FLUTTER_EDGE_S) & (seconds <= end + FLUTTER_EDGE_S)
    return PeakRecording(name=name, values=one.values, peaks_s=one.peaks_s, unknown=unknown)


def varied_beats(difference: Values, vary: BeatAugmentation, rng: np.random.Generator, rate_hz: float) -> Values:
    """(N, samples) differences as one training epoch sees them; every draw comes from `rng`."""
    beats, samples = difference.shape
    longest = round(vary.shift_s * rate_hz)
    shift = rng.integers(-longest, longest + 1, size=(beats, 1))
    gain = np.exp(vary.gain * rng.standard_normal((beats, 1)))
    noise = vary.noise * rng.random((beats, 1)) * rng.standard_normal((beats, samples))
    height, hertz, phase = rng.random((3, beats, 1))
    wave = np.sin(2 * np.pi * ((0.2 + 0.6 * hertz) * np.arange(samples) / rate_hz + phase))
    places = np.clip(np.arange(samples) + shift, 0, samples - 1)
    found = np.take_along_axis(difference, places, axis=1) * gain + noise + vary.drift * height * wave
    return np.asarray(found, dtype=np.float32)


class BeatBatches(Batches):
    """Batches of a `BeatPart`: an epoch's draws and windows; or, as they are, one recording after the other."""

    part: BeatPart

    def __len__(self) -> int:
        return len(self.part.ids) if self.seed is None else super().__len__()

    def __iter__(self) -> Iterator[BeatBatch]:  # type: ignore[override]
        if self.seed is None:
            yield from (self.part.recording_batch(row) for row in range(len(self.part.ids)))
            return
        epoch, seed = self.epoch(), self.seed
        draws = self.part.drawn(epoch, seed)
        order = np.random.default_rng([seed, epoch]).permutation(len(draws))
        windows = np.arange(len(self.part.windows))
        each = self.part.options.windows_per_step
        for number in range(len(self)):
            step = number * self.processes + self.rank
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield self.part.training_batch(draws, rows, windows[step * each : (step + 1) * each], epoch, seed)
