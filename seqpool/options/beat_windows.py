"""Single beats as data that a config can name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from seqpool.options.recordings import SignalAugmentation
from seqpool.options.signal_input import Signal
from seqpool.options.splits import Split

AAMI_CLASSES = ("N", "S", "V", "F", "Q")


@dataclass(frozen=True, kw_only=True)
class BeatWindows:
    """Recordings with beats marked in WFDB annotation files; a row is a window of one lead around an R peak.

    folder: recordings, as `seqpool classify` finds them in it. annotator: ending of the annotation files.
    signal: the preprocessing of whole recordings; one lead. before_s, after_s: of the R peak; beats whose window
    reaches past an end are left out. classes: the AAMI classes that are told apart; other beats are left out.
    most_each: training takes at most so many beats of a class, evenly from all recordings; null: all.
    augment: how a window is varied from epoch to epoch (neither stretched nor cropped).
    split: which recordings are train, validation and test; null: all are train. batch_size: rows per step.
    """

    module: ClassVar[str] = "seqpool.train.beat_windows"

    folder: str
    annotator: str = "atr"
    signal: Signal
    before_s: float = 0.3
    after_s: float = 0.5
    classes: tuple[str, ...] = ("N", "V")
    most_each: int | None = None
    augment: SignalAugmentation = field(default_factory=SignalAugmentation)
    split: Split | None = None
    batch_size: int = 128

    def __post_init__(self) -> None:
        if self.signal.all_leads or self.signal.window_s is not None:
            raise ValueError("signal takes one lead and no window_s: before_s and after_s cut the windows")
        if self.before_s < 0 or self.after_s <= 0:
            raise ValueError("before_s is at least 0 and after_s above 0")
        unknown = set(self.classes) - set(AAMI_CLASSES)
        if unknown or len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError(f"classes is {list(self.classes)}, expected two or more of {', '.join(AAMI_CLASSES)}")
        if self.most_each is not None and self.most_each < 1:
            raise ValueError(f"most_each is {self.most_each}, expected at least 1 beat")
        if self.augment.stretch or self.augment.crop_s is not None or self.augment.lead_dropout:
            raise ValueError("augment takes no stretch, crop_s or lead_dropout: windows have one length and one lead")
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, expected at least 1")
        if self.split is not None and self.split.by not in ("order", "random", "folds"):
            raise ValueError(f"a split by {self.split.by} is not for beats; they take folds, order or random")
