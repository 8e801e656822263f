"""Recordings as data that a config can name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from seqpool.options.signal_input import Signal
from seqpool.options.splits import Split


@dataclass(frozen=True)
class SignalAugmentation:
    """How a training recording differs from epoch to epoch; validation and test take recordings as they are.

    sign_flip: share of the rows that are turned upside down, as with electrodes exchanged.
    gain: the amplitude is multiplied by exp(g), g normal with this standard deviation.
    noise: white noise of a standard deviation drawn from 0 up to this, where a typical QRS complex has height 1.
    drift: a sine wave of 0.05 to 0.5 Hz of an amplitude drawn from 0 up to this, as when the patient breathes.
    stretch: time is stretched by a factor drawn from 1 - stretch to 1 + stretch.
    lead_dropout: share of the leads that are silent (0), each by itself; where all would be, all stay.
    crop_s: a longer recording gives a stretch of so many seconds from anywhere in it; null: all of it.
    """

    sign_flip: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    drift: float = 0.0
    stretch: float = 0.0
    lead_dropout: float = 0.0
    crop_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.sign_flip <= 1:
            raise ValueError(f"sign_flip is {self.sign_flip:g}, expected a share from 0 to 1")
        if not 0 <= self.lead_dropout < 1:
            raise ValueError(f"lead_dropout is {self.lead_dropout:g}, expected a share from 0 up to 1")
        if self.gain < 0 or self.noise < 0 or self.drift < 0:
            raise ValueError("gain, noise and drift are at least 0")
        if not 0 <= self.stretch < 0.5:
            raise ValueError(f"stretch is {self.stretch:g}, expected a share from 0 up to 0.5")
        if self.crop_s is not None and not self.crop_s > 0:
            raise ValueError(f"crop_s is {self.crop_s:g}, expected more than 0 s")


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Recordings with P, QRS and T waves marked in WFDB annotation files, a label for every sample.

    folder: recordings, as `seqpool delineate` finds them in it. annotator: ending of the annotation files; null: each
    lead has a file of its own, with the lead's name in lower case, as in LUDB.
    signal: the preprocessing; `signal.leads` names the lead that is judged, and that the model is for.
    other_leads: each epoch also trains on `other_leads_each` of these, drawn anew for each recording.
    without_p_times: how often an epoch takes a training recording in whose lead no P wave is marked (they are few, and
    all that teach the network to find none).
    table: CSV or TSV whose column `record` holds the recordings' names in the folder and `rhythm` their rhythm: where
    it speaks of one of `fibrillation`, the share of beats that get a P wave is judged apart. null: not judged.
    split: which recordings are train, validation and test; null: all are train. batch_size: rows per step.
    Samples outside the first and last mark, and those whose bracket is missing, teach nothing.
    """

    module: ClassVar[str] = "seqpool.train.waves"

    folder: str
    annotator: str | None = None
    signal: Signal
    other_leads: tuple[str, ...] = ()
    other_leads_each: int = 0
    without_p_times: int = 1
    table: str | None = None
    record: str = "ID"
    rhythm: str = "Rhythms"
    fibrillation: tuple[str, ...] = ("fibrillation", "flutter")
    augment: SignalAugmentation = field(default_factory=SignalAugmentation)
    split: Split | None = None
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.without_p_times < 1:
            raise ValueError("batch_size and without_p_times are at least 1")
        if len(self.signal.leads) < 1 or self.signal.all_leads:
            raise ValueError("signal.leads names the lead that is judged, and all_leads is off: one lead at a time")
        if not 0 <= self.other_leads_each <= len(self.other_leads):
            raise ValueError(
                f"other_leads_each is {self.other_leads_each}, expected at most the {len(self.other_leads)} of "
                "other_leads"
            )
        if self.augment.lead_dropout:
            raise ValueError("lead_dropout is for networks of several leads, waves are marked in one lead at a time")
        if self.split is not None and self.split.by in ("chromosome", "shared_words", "given", "column", "group"):
            raise ValueError(f"a split by {self.split.by} is not for waves; they take folds, order or random")


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Recordings of any format that `seqpool classify` reads, and a table with the labels.

    folder: where the recordings lie. table: CSV or TSV with a row per recording; columns: names of a headerless
    table's columns. record: column with the recording's name, below `folder`, with or without ending.
    labels: column of the class, or columns of the targets (numbers; several 0/1 columns for multilabel).
    class_names: the table's labels and what the model calls them, in the model's order; empty: labels are called as the
        table writes them.
    group: column of the patient: rows with the same value stay on one side of the split, whatever its rule.
    split: which rows are train, validation and test; null: all rows are train.
    signal: which leads the network gets, and the preprocessing. augment: how training recordings are varied.
    unit: of the samples (V, mV, uV, nV, or a number of them such as 5uV), in place of what the files say.
    rate_hz: for files that carry no rate. ignore_checksum: read damaged files too.
    batch_size: rows per step.
    Training and its figures take each recording in one piece (but for `augment.crop_s`), whatever `signal.window_s`.
    Recordings with the same samples stay on one side; where they carry two labels they are dropped, and recordings
    that cannot be read are left out: both are said.
    """

    module: ClassVar[str] = "seqpool.train.recordings"

    folder: str
    table: str
    columns: tuple[str, ...] | None = None
    record: str = "record"
    labels: str | tuple[str, ...] = "label"
    class_names: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    split: Split | None = None
    signal: Signal = field(default_factory=Signal)
    augment: SignalAugmentation = field(default_factory=SignalAugmentation)
    unit: str | None = None
    rate_hz: float | None = None
    ignore_checksum: bool = False
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, expected at least 1")
        if len(set(self.class_names.values())) < len(self.class_names):
            raise ValueError("class_names calls two labels the same")
        if self.unit is not None and not re.fullmatch(r"[\d.]*\s*(V|mV|uV|nV)", self.unit):
            raise ValueError(f"unit is {self.unit!r}, expected V, mV, uV, nV or a number of them such as 5uV")
        if self.rate_hz is not None and not self.rate_hz > 0:
            raise ValueError(f"rate_hz is {self.rate_hz:g}, expected more than 0")
        if not self.labels:
            raise ValueError("labels is empty, expected a column or a list of columns")
        if self.split is not None and self.split.by in ("chromosome", "shared_words", "given"):
            raise ValueError(f"a split by {self.split.by} is for letters; recordings take column, folds, group, order "
                             "or random")  # fmt: skip

    @property
    def label_columns(self) -> tuple[str, ...]:
        """`labels` as a tuple."""
        return (self.labels,) if isinstance(self.labels, str) else self.labels
