"""Recordings with marked beats as data that a config can name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.recordings import SignalAugmentation
from seqpool.options.splits import Split
from seqpool.options.training import BEAT_CLASSES


@dataclass(frozen=True)
class BeatAugmentation:
    """How the difference of a beat from its template varies from epoch to epoch.

    gain: it is multiplied by exp(g), g normal with this standard deviation. shift_s: it is moved by up to so much.
    noise: white noise of a standard deviation drawn from 0 up to this, where a typical QRS complex has height 1.
    drift: a sine wave of 0.2 to 0.8 Hz of an amplitude drawn from 0 up to this.
    """

    gain: float = 0.15
    shift_s: float = 0.024
    noise: float = 0.03
    drift: float = 0.05

    def __post_init__(self) -> None:
        if min(self.gain, self.shift_s, self.noise, self.drift) < 0:
            raise ValueError("gain, shift_s, noise and drift are at least 0")


@dataclass(frozen=True, kw_only=True)
class Beats:
    """Recordings with every beat marked in a WFDB annotation file, its AAMI class following from its symbol.

    folder: recordings, as `seqpool classify` finds them in it. annotator: ending of the annotation files.
    signal: the preprocessing, and how beats are described; of each recording the first of `signal.leads` that it has.
    beats: so many beats of each class make an epoch (a class that is not named: none), drawn with replacement from the
    training recordings, of which each gives by the square root of how many it has.
    vary: how a beat differs from epoch to epoch. augment: how the windows for the detector differ; `crop_s` is their
    length. windows_per_step: so many of them are beside the batch_size beats of a step, from each recording equally
    many.
    split: which recordings are train, validation and test; null: all are train.
    Beats of class Q (paced, unknown) are beats to the detector, and teach the classifiers nothing. Episodes of
    ventricular flutter (`[` to `]`), in which beats are not marked, teach nothing.
    """

    module: ClassVar[str] = "seqpool.train.beats"

    folder: str
    annotator: str = "atr"
    signal: BeatSignal = field(default_factory=lambda: BeatSignal(leads=("MLII", "II"), rate_hz=125.0))
    beats: dict[str, int] = field(default_factory=lambda: {"N": 3200, "S": 320, "V": 520, "F": 120})
    vary: BeatAugmentation = field(default_factory=BeatAugmentation)
    augment: SignalAugmentation = field(default_factory=lambda: SignalAugmentation(crop_s=8.192))
    windows_per_step: int = 32
    split: Split | None = None
    batch_size: int = 80

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.windows_per_step < 1:
            raise ValueError("batch_size is at least 2 and windows_per_step at least 1")
        unknown = set(self.beats) - set(BEAT_CLASSES)
        if unknown:
            raise ValueError(f"beats names {', '.join(sorted(unknown))}, expected some of {', '.join(BEAT_CLASSES)}")
        if not self.beats or any(count < 0 for count in self.beats.values()) or sum(self.beats.values()) < 2:
            raise ValueError("beats says how many of each class an epoch takes, at least two in all")
        if self.augment.crop_s is None or self.augment.lead_dropout:
            raise ValueError("augment needs crop_s, the length of a window, and takes no lead_dropout: it is one lead")
        if self.split is not None and self.split.by in ("chromosome", "shared_words", "given", "column", "group"):
            raise ValueError(f"a split by {self.split.by} is not for beats; they take folds, order or random")
