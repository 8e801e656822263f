"""Views of a line on a floor with the steering angle that follows it, made in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.options.images import LineViews as Options
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.groups import numbered
from seqpool.train.splits import SIDES, Rows, divide

TARGET = "steering_angle_deg"

Views = NDArray[np.float32]


class ImagePart:
    """Rows of images (rows, channels, height, width) with targets (rows, targets), the same in every epoch."""

    def __init__(self, ids: Sequence[str], images: Views, target: NDArray[np.float64]) -> None:
        self.ids = ids
        self.digests: Sequence[str] = [hashlib.sha1(image.tobytes()).hexdigest()[:16] for image in images]
        self.target = target
        self.weight = np.ones(len(ids))
        self._images = images

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[Views, NDArray[np.int64]]:
        """(N, channels, height, width), and (N,) widths."""
        images = self._images[rows]
        return images, np.full(len(rows), images.shape[3], dtype=np.int64)


class LineViews(DataModule):
    """The data module of `seqpool.options.images.LineViews`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Draws every view. Raises DataError where the split leaves no view for train."""
        options = self.options
        images, angles = drawn_views(options)
        names = [f"{number:0{len(str(options.views - 1))}}" for number in range(options.views)]
        division = divide(options.split, Rows(names, numbered([image.tobytes() for image in images])))
        train, validation, test = (
            ImagePart([names[row] for row in rows], images[rows], angles[rows, None]) if len(rows) else None
            for rows in (np.flatnonzero(division.side == side) for side in range(len(SIDES)))
        )
        if train is None:
            raise DataError("no view is left for train.")
        facts = {
            "data": type(options).__name__,
            "files": [],
            "views": options.views,
            "seed": options.seed,
            "split": division.facts,
            "folds": list(division.folds),
            "licence": "made in memory",
        }
        return Parts(train, validation, test, options.signal, (TARGET,), facts)


def drawn_views(options: Options) -> tuple[Views, NDArray[np.float64]]:
    """(views, 1, size, size) images of brightness about 0 for the floor and 1 for the line, and (views,) angles in
    degrees, positive to the right, evenly spread; view i depends on the seed and on i alone."""
    size = options.size
    images = np.empty((options.views, 1, size, size), dtype=np.float32)
    angles = np.empty(options.views)
    # pixel centres in views: across from -0.5 to 0.5, ahead from 0 (the robot, the last row) to 1
    across = (np.arange(size) + 0.5) / size - 0.5
    ahead = 1 - (np.arange(size) + 0.5) / size
    for view in range(options.views):
        rng = np.random.default_rng([options.seed, view])
        angle = np.radians(rng.uniform(-options.largest_angle_deg, options.largest_angle_deg))
        target = 0.5 * np.tan(angle)
        slope = rng.uniform(-0.5, 0.5)
        distance = np.abs(across[None] - target - slope * (ahead[:, None] - 0.5)) / np.hypot(1, slope)
        line = 1 / (1 + np.exp((distance - rng.uniform(0.04, 0.1)) * 2 * size))
        floor = rng.uniform(-0.2, 0.2) + rng.normal(0, options.noise, (size, size))
        images[view, 0] = floor + rng.uniform(0.7, 1.3) * line
        angles[view] = np.degrees(angle)
    return images, angles
