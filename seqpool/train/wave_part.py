"""One side of a split of recordings with marked waves: signals, and a label for every sample, varied together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.options.recordings import SignalAugmentation
from seqpool.records import WAVES, Delineation
from seqpool.train.data_module import Batch, Batches
from seqpool.train.recording_part import Values, varied_in_time

UNKNOWN = -100
"""Label of a sample that teaches nothing."""

NEAR_PEAK_S = 0.25
"""Where a bracket is missing, the samples of unknown label reach at most this far from the peak."""


@dataclass(frozen=True)
class LabelledLead:
    """One lead. values: (1, samples), what the network eats; waves: marked, in samples of it; known: (first, last)
    marked sample; unknown: (first, last) of stretches between whose ends the label is not known."""

    values: Values
    waves: Delineation
    known: tuple[float, float]
    unknown: tuple[tuple[float, float], ...]


def unknown_stretches(waves: Delineation, rate_hz: float) -> list[tuple[float, float]]:
    """Where the label is not known because a wave lacks a bracket: between its peak and the wave beside it, at most
    NEAR_PEAK_S."""
    reach = NEAR_PEAK_S * rate_hz
    begins = np.where(np.isfinite(waves.onset), waves.onset, waves.peak)
    ends = np.where(np.isfinite(waves.offset), waves.offset, waves.peak)
    found = []
    for place in np.flatnonzero(~np.isfinite(waves.onset)).tolist():
        before = ends[place - 1] if place else -np.inf
        found.append((max(float(before), float(waves.peak[place]) - reach), float(waves.peak[place])))
    for place in np.flatnonzero(~np.isfinite(waves.offset)).tolist():
        after = begins[place + 1] if place + 1 < len(waves) else np.inf
        found.append((float(waves.peak[place]), min(float(after), float(waves.peak[place]) + reach)))
    return found


def labels_of(lead: LabelledLead, start: float, scale: float, samples: int) -> NDArray[np.int64]:
    """(samples + 1,) label of each sample of a varied row: 0 none, then WAVES, or UNKNOWN; last, whether the row has P
    waves: 1, 0, or UNKNOWN where nothing of it is annotated.

    start, scale: as `varied_in_time` gives them. A sample has a wave's label when it lies between onset and offset.
    """
    place = np.arange(samples) / scale + start
    label = np.zeros(samples, dtype=np.int64)
    waves = lead.waves
    for wave, onset, peak, offset in zip(waves.wave, waves.onset, waves.peak, waves.offset, strict=True):
        begin = onset if np.isfinite(onset) else peak
        end = offset if np.isfinite(offset) else peak
        first, last = np.searchsorted(place, begin, side="right"), np.searchsorted(place, end)
        label[first:last] = int(wave) + 1
    for begin, end in lead.unknown:
        first, last = np.searchsorted(place, begin, side="right"), np.searchsorted(place, end)
        label[first:last] = UNKNOWN
    label[(place < lead.known[0]) | (place > lead.known[1])] = UNKNOWN
    has_p = int((label == WAVES.index("P") + 1).any()) if (label != UNKNOWN).any() else UNKNOWN
    return np.append(label, has_p)


class WavePart:
    """Rows of recordings.

    ids: names as found. digests: of each recording. leads: per recording, by name; the first is the judged one.
    fibrillation: (rows,) in atrial fibrillation or flutter. target: (rows,) 1 where P waves are marked in the judged
    lead. number: (rows,) the recording's number in the data, by which augmentation knows it on whatever side it is.
    An epoch of training takes every recording's judged lead and `others_each` of its other leads, and recordings
    without a P wave `without_p_times` as often.
    """

    def __init__(
        self,
        ids: Sequence[str],
        digests: Sequence[str],
        leads: Sequence[Mapping[str, LabelledLead]],
        fibrillation: NDArray[np.bool_],
        number: NDArray[np.int64],
        augment: SignalAugmentation,
        rate_hz: float,
        *,
        others_each: int,
        without_p_times: int,
    ) -> None:
        self.ids = ids
        self.digests = digests
        self.leads = leads
        self.fibrillation = fibrillation
        self.weight = np.ones(len(ids))
        self._judged = [next(iter(one.values())) for one in leads]
        self.target = np.array([float(len(lead.waves.of("P")) > 0) for lead in self._judged])
        self._number = number
        self._augment = augment
        self._rate_hz = rate_hz
        # (draws, 2): recording, and which of its turns in an epoch; every `turns`-th is the judged lead's
        self._turns = 1 + others_each
        times = np.where(self.target == 0, without_p_times, 1) * self._turns
        self._draws = np.array(
            [(row, turn) for row, count in enumerate(times) for turn in range(count)], dtype=np.int64
        )

    @property
    def draws(self) -> int:
        """Rows of a training epoch."""
        return len(self._draws)

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[Values, NDArray[np.int64]]:
        """(N, 1, L) padded with 0, and (N,) lengths: `batch_of` without the labels."""
        x, lengths, _ = self.labelled(rows, epoch, seed)
        return x, lengths

    def labelled(
        self, rows: NDArray[np.int64], epoch: int | None, seed: int
    ) -> tuple[Values, NDArray[np.int64], NDArray[np.int64]]:
        """(N, 1, L) padded with 0, (N,) lengths, (N, L + 1) labels as `labels_of` gives them, UNKNOWN past a length.

        rows: of recordings where `epoch` is None, else of an epoch's draws, varied by (seed, epoch, recording, turn).
        """
        varied = [self._row(int(row), epoch, seed) for row in rows]
        lengths = np.array([values.shape[1] for values, _ in varied], dtype=np.int64)
        longest = int(lengths.max())
        x = np.zeros((len(rows), 1, longest), dtype=np.float32)
        labels = np.full((len(rows), longest + 1), UNKNOWN, dtype=np.int64)
        for place, (values, label) in enumerate(varied):
            x[place, :, : values.shape[1]] = values
            labels[place, : values.shape[1]] = label[:-1]
            labels[place, -1] = label[-1]
        return x, lengths, labels

    def _row(self, row: int, epoch: int | None, seed: int) -> tuple[Values, NDArray[np.int64]]:
        if epoch is None:
            lead = self._judged[row]
            return lead.values, labels_of(lead, 0.0, 1.0, lead.values.shape[1])
        recording, turn = self._draws[row].tolist()
        rng = np.random.default_rng([seed, epoch, int(self._number[recording]), turn])
        lead = self._judged[recording]
        others = list(self.leads[recording].values())[1:]
        if turn % self._turns and others:
            lead = others[int(rng.integers(len(others)))]
        values, start, scale = varied_in_time(lead.values, self._augment, rng, self._rate_hz)
        return values, labels_of(lead, start, scale, values.shape[1])


class WaveBatches(Batches):
    """Batches whose target is `WavePart.labelled`'s."""

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The batch of these rows."""
        assert isinstance(self.part, WavePart)
        training = self.seed is not None
        x, lengths, labels = self.part.labelled(rows, self.epoch() if training else None, self.seed or 0)
        return Batch(
            x=torch.from_numpy(x),
            lengths=torch.from_numpy(lengths),
            target=torch.from_numpy(labels),
            weight=torch.ones(len(rows)),
            row=torch.from_numpy(rows),
        )
