"""Networks on maps of two axes, as records: spectrograms, and any other image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seqpool.options.pooling import Pooling, check_name
from seqpool.options.spectrogram import Spectrogram, SpectrogramAugmentation

Strides = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Balance:
    """What the final map should look like, from which the strides of every block follow.

    clip_s: length of a typical clip. ratio: wanted frames to bands of its final map, as near as strides from 1 to 4 per
    block and axis allow. least_frames, least_bands: at least; cells: fewest and most cells of that map.
    first: whether the `small` or the `large` of an axis's strides come first. Large strides first cost less and let a
    cell of the final map see more of the clip; small ones first keep detail longer.
    """

    clip_s: float
    ratio: float = 2.0
    least_frames: int = 4
    least_bands: int = 2
    cells: tuple[int, int] = (8, 32)
    first: Literal["small", "large"] = "small"

    def __post_init__(self) -> None:
        if not self.clip_s > 0 or not self.ratio > 0:
            raise ValueError("clip_s and ratio are above 0")
        if min(self.least_frames, self.least_bands, self.cells[0]) < 1 or self.cells[0] > self.cells[1]:
            raise ValueError("least_frames, least_bands and cells are at least 1, and cells lists fewest and most")


@dataclass(frozen=True)
class MapLayers:
    """Blocks of 2-D convolution, normalisation, ReLU and pooling, a pool over the whole map, a head.

    channels: output channels of each block. width: of the kernels, odd, on both axes. convolutions: how many per block.
    padding: `same`: a convolution keeps the size, and a pool makes ceil(n / stride) of n; `valid`: no padding, and a
        pool makes floor(n / stride).
    pool: how blocks shorten the map: `max`, `average`, or with a low-pass filter before values are skipped (Zhang
        2019) `max_blur`, `average_blur`.
    global_pool: of what is left, over global_axes: `both`, `time` (each band apart), `frequency` or `none` (each frame
        apart, which needs inputs of one length).
    hidden: units of the dense layer; 0: none. dropout: share of features dropped before each dense layer.
    block_dropout: share of channels dropped after each block. normalise: batch normalisation over valid frames.
    """

    channels: tuple[int, ...] = (16, 32, 64, 64)
    width: int = 3
    convolutions: int = 1
    padding: Literal["same", "valid"] = "same"
    pool: Literal["max", "average", "max_blur", "average_blur"] = "max"
    global_pool: Pooling = field(default_factory=lambda: Pooling("max"))
    global_axes: Literal["both", "time", "frequency", "none"] = "both"
    hidden: int = 0
    dropout: float = 0.3
    block_dropout: float = 0.0
    normalise: bool = True

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise ValueError("channels lists the output channels of each block, at least 1")
        if self.width < 1 or self.width % 2 == 0:
            raise ValueError(f"width is {self.width}, expected an odd number")
        if self.convolutions < 1 or self.hidden < 0:
            raise ValueError("convolutions is at least 1 and hidden at least 0")
        for name in ("dropout", "block_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a share from 0 up to but not including 1")
        check_name(self.global_pool, "global")

    def check_strides(self, strides: Strides) -> None:
        """Raises ValueError unless there is a pair of strides of at least 1 for each block."""
        if len(strides) != len(self.channels) or any(min(pair) < 1 for pair in strides):
            raise ValueError(
                f"strides lists {len(strides)} pairs for {len(self.channels)} blocks, expected a pair (time, "
                "frequency) of at least 1 for each"
            )

    @property
    def fixed_length(self) -> bool:
        """Whether every input must have the length that the network was built for."""
        return self.global_axes in ("frequency", "none")


@dataclass(frozen=True)
class SpectrogramEncoder(MapLayers):
    """A spectrogram in the network, then the blocks of `MapLayers` on it.

    front: how sound becomes a spectrogram. augment: how it differs from step to step in training.
    balance: strides are chosen for the final map that is wanted; or strides: a pair (time, frequency) for each block.
    """

    front: Spectrogram = field(default_factory=Spectrogram)
    augment: SpectrogramAugmentation = field(default_factory=SpectrogramAugmentation)
    balance: Balance | None = None
    strides: Strides | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.balance is None) == (self.strides is None):
            raise ValueError("SpectrogramEncoder takes balance or strides, one of the two")
        if self.padding == "valid":
            raise ValueError("padding: valid is for images of one size; a short clip would leave nothing")
        if self.strides is not None:
            self.check_strides(self.strides)


@dataclass(frozen=True)
class ImageEncoder(MapLayers):
    """The blocks of `MapLayers` on images of one size; columns are `time` and rows `frequency`.

    strides: a pair (columns, rows) for each block.
    """

    strides: Strides = ((2, 2), (2, 2), (2, 2), (2, 2))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_strides(self.strides)

    @property
    def fixed_length(self) -> bool:
        """Images are of one size."""
        return False
