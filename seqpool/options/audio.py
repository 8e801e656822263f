"""Sound as a network's input, and audio clips as data that a config can name."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import ClassVar

from seqpool.options.splits import Split

LABEL = "label"
"""The field of a file-name pattern that holds the class, and the column that classes by folder or pattern make."""


@dataclass(frozen=True)
class Audio:
    """Sound of one channel at one rate, (N, 1, samples); stored in the artifact.

    rate_hz: of the network's input; a file of another rate is resampled, which is said. Several channels are averaged.
    trim_silence: trailing samples of at most 0.0001 of full scale are cut off (a silent clip stays whole).
    trim_quiet_db: beginning and end are cut off where every 25 ms are more than so many decibels quieter than the
        loudest, up to 25 ms from what is louder (librosa's trim, both ends); null: they stay.
    repeat_to_s: a shorter clip is repeated from its start until it lasts so long; null: it stays as it is.
    window_s: longer clips are judged in windows of so many seconds, every `stride_s` seconds (null: half a window),
        and the probabilities averaged; null: each clip in one piece.
    """

    rate_hz: float = 16000.0
    trim_silence: bool = False
    trim_quiet_db: float | None = None
    repeat_to_s: float | None = None
    window_s: float | None = None
    stride_s: float | None = None

    def __post_init__(self) -> None:
        if not 100 <= self.rate_hz <= 1_000_000:
            raise ValueError(f"rate_hz is {self.rate_hz:g}, expected 100 to 1000000")
        for name in ("trim_quiet_db", "repeat_to_s", "window_s", "stride_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value:g}, expected more than 0")
        if self.stride_s is not None and (self.window_s is None or self.stride_s > self.window_s):
            raise ValueError("stride_s goes with window_s and is at most as long")

    @property
    def channels(self) -> int:
        """Channels of the tensor that the network gets."""
        return 1


@dataclass(frozen=True)
class AudioAugmentation:
    """How a training clip differs from epoch to epoch; validation and test take clips as they are.

    crop_s: a longer clip gives a stretch of so many seconds from anywhere in it; null: all of it.
    shift_s: the clip is moved by up to so many seconds either way; its length stays, what comes into view is silence.
    speed: it is played faster or slower by a factor drawn from 1 - speed to 1 + speed, pitch and duration together.
    Masks and frequency warp are of the spectrogram (`SpectrogramEncoder.augment`), mix-up is of the model.
    """

    crop_s: float | None = None
    shift_s: float = 0.0
    speed: float = 0.0

    def __post_init__(self) -> None:
        if self.crop_s is not None and not self.crop_s > 0:
            raise ValueError(f"crop_s is {self.crop_s:g}, expected more than 0 s")
        if self.shift_s < 0:
            raise ValueError(f"shift_s is {self.shift_s:g}, expected at least 0 s")
        if not 0 <= self.speed < 0.5:
            raise ValueError(f"speed is {self.speed:g}, expected a share from 0 up to 0.5")


@dataclass(frozen=True, kw_only=True)
class AudioClips:
    """Audio files with a label each.

    folder: where the files are, at any depth.
    labels: where the label stands. `folder`: the name of the folder that a file lies in. A pattern of file names
        without ending, such as `{label}_{speaker}_{take}`, whose other fields are columns for the split. With `table`:
        the column of the class, or columns of the targets (numbers; several 0/1 columns for multilabel).
    table: CSV or TSV with a row per file; columns: names of a headerless table's columns; record: the column of the
        file names, below `folder`, with ending.
    class_names: labels as written and what the model calls them, in the model's order; empty: as written.
    group: column whose rows of one value stay on one side of the split, whatever its rule.
    split: which clips are train, validation and test; null: all are train.
    signal: what the network gets. augment: how training clips are varied. batch_size: clips per step.
    Clips with the same samples stay on one side; where they carry two labels they are dropped, and files that cannot
    be read are left out: both are said.
    """

    module: ClassVar[str] = "seqpool.train.audio_clips"

    folder: str
    labels: str | tuple[str, ...] = "folder"
    table: str | None = None
    columns: tuple[str, ...] | None = None
    record: str = "file"
    class_names: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    split: Split | None = None
    signal: Audio = field(default_factory=Audio)
    augment: AudioAugmentation = field(default_factory=AudioAugmentation)
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, expected at least 1")
        if len(set(self.class_names.values())) < len(self.class_names):
            raise ValueError("class_names calls two labels the same")
        if self.columns is not None and self.table is None:
            raise ValueError("columns names the columns of a table, and there is no table")
        if not self.labels:
            raise ValueError("labels is empty, expected folder, a pattern or columns of a table")
        if self.table is None and self.labels != "folder":
            if not isinstance(self.labels, str) or LABEL not in _fields(self.labels):
                raise ValueError(
                    f"labels is {self.labels!r}; without a table expected folder, or a pattern of file names such as "
                    "{label}_{speaker}_{take}"
                )
            if len(set(_fields(self.labels))) < len(_fields(self.labels)):
                raise ValueError(f"labels is {self.labels!r}, which names a field twice")
        if self.split is not None and self.split.by in ("chromosome", "shared_words", "given"):
            raise ValueError(f"a split by {self.split.by} is for letters; audio takes column, folds, group, order "
                             "or random")  # fmt: skip

    @property
    def label_columns(self) -> tuple[str, ...]:
        """Columns of the labels; `label` without a table."""
        if self.table is None:
            return (LABEL,)
        return (self.labels,) if isinstance(self.labels, str) else self.labels

    @property
    def name_pattern(self) -> re.Pattern[str] | None:
        """The pattern of file names without ending; None where labels come from folders or a table."""
        if self.table is not None or self.labels == "folder":
            return None
        assert isinstance(self.labels, str)
        parts = [
            re.escape(text) + (f"(?P<{name}>.+?)" if name else "")
            for text, name, _, _ in string.Formatter().parse(self.labels)
        ]
        return re.compile("".join(parts))


def _fields(pattern: str) -> list[str]:
    """Names of a pattern's fields. Raises ValueError for one that is no pattern."""
    names = [name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None]
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"labels is {pattern!r}, whose field {name!r} is no name")
    return names
