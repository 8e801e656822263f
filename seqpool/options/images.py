"""Images of one size as a network's input, and views of a line on a floor as data that a config can name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from seqpool.options.splits import Split


@dataclass(frozen=True)
class Image:
    """Images (N, channels, rows, columns) of one size; stored in the artifact."""

    rows: int = 32
    columns: int = 32
    channels: int = 1

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.channels) < 1:
            raise ValueError("rows, columns and channels are at least 1")


@dataclass(frozen=True, kw_only=True)
class LineViews:
    """Views of a line on a floor, drawn in memory from a seed, and the steering angle that follows it: the smallest
    example of an encoder of images.

    views: how many; split: which are train, validation and test (random or order). size: rows and columns of a view.
    seed: of everything drawn. noise: deviation of the noise of each pixel, where the line is 1 above the floor.
    largest_angle_deg: angles are from minus this to this. batch_size: views per step.
    A view looks down on the floor, the robot at its lower edge. A line of random width, brightness and offset crosses
    it straight; the angle is that towards the point of the line half a view ahead.
    """

    module: ClassVar[str] = "seqpool.train.line_views"

    views: int = 3000
    size: int = 32
    seed: int = 0
    noise: float = 0.1
    largest_angle_deg: float = 45.0
    split: Split = field(default_factory=lambda: Split(by="random", shares=(0.8, 0.1, 0.1)))
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self.views < 10 or self.size < 8 or self.batch_size < 1:
            raise ValueError("views is at least 10, size at least 8 and batch_size at least 1")
        if self.noise < 0 or not 0 < self.largest_angle_deg < 90:
            raise ValueError("noise is at least 0 and largest_angle_deg from 0 to 90, both not included")
        if self.split.by not in ("random", "order"):
            raise ValueError(f"a split by {self.split.by} is not for views; they take random or order")

    @property
    def signal(self) -> Image:
        """What the network gets."""
        return Image(self.size, self.size)
