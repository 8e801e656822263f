"""Strides for a map of time and frequency, chosen so that the final map keeps a wanted balance of the two.

With odd kernels, as much padding and windows that may reach past the end, a layer of stride s makes ceil(n / s) of n,
and ceil(ceil(n / a) / b) = ceil(n / ab): only the product of the strides of an axis counts. Products of strides from
1 to 4 are 2^a 3^b, few enough to try all pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

STRIDES = (1, 2, 3, 4)


@dataclass(frozen=True)
class StridePlan:
    """time, frequency: strides, layer by layer. frames, bands: of the final map."""

    time: tuple[int, ...]
    frequency: tuple[int, ...]
    frames: int
    bands: int

    @property
    def ratio(self) -> float:
        """Frames to bands."""
        return self.frames / self.bands


def balanced_plan(
    frames: int,
    bands: int,
    layers: int,
    ratio: float,
    *,
    least_frames: int = 4,
    least_bands: int = 2,
    cells: tuple[int, int] = (8, 32),
) -> StridePlan:
    """The plan whose final map has frames to bands nearest to `ratio`, of all that there are.

    frames, bands: of the input. least_frames, least_bands: the final map has at least these; cells: fewest and most
    of its cells. Nearness is |ln(frames' / (bands' ratio))|. Of plans that are equally near, the one that can do with
    the fewest strided layers, then whose plain ratio before rounding up is nearest, then of the larger map.
    Raises ValueError where no plan fits the limits.
    """
    products = stride_products(layers)
    fitting = []
    for by_time, by_frequency in product(products, products):
        rows, columns = -(-bands // by_frequency), -(-frames // by_time)
        if columns < least_frames or rows < least_bands or not cells[0] <= rows * columns <= cells[1]:
            continue
        distance = abs(math.log(columns / (rows * ratio)))
        unrounded = abs(math.log(by_frequency * frames / (by_time * bands * ratio)))
        strided = fewest_layers(by_time) + fewest_layers(by_frequency)
        fitting.append(((round(distance, 12), strided, round(unrounded, 12), -rows * columns), by_time, by_frequency))
    if not fitting:
        raise ValueError(
            f"no strides of {layers} layers make a map of {cells[0]} to {cells[1]} cells, at least {least_frames} "
            f"frames and {least_bands} bands, of {frames} frames and {bands} bands: change layers or limits"
        )
    _, by_time, by_frequency = min(fitting)
    return StridePlan(
        spread(by_time, layers), spread(by_frequency, layers), -(-frames // by_time), -(-bands // by_frequency)
    )


def stride_products(layers: int) -> list[int]:
    """Every product of so many strides from 1 to 4: 2^a 3^b with b at most layers and a at most 2 (layers - b)."""
    return sorted(2**a * 3**b for b in range(layers + 1) for a in range(2 * (layers - b) + 1))


def fewest_layers(factor: int) -> int:
    """Strided layers that a factor 2^a 3^b needs when strides are up to 4: b + ceil(a / 2)."""
    twos, threes = _exponents(factor)
    return threes + -(-twos // 2)


def spread(factor: int, layers: int) -> tuple[int, ...]:
    """The factor 2^a 3^b as one stride per layer, over as many layers as it can, small strides first."""
    twos, threes = _exponents(factor)
    fours = max(0, twos + threes - layers)  # pairs of twos that must share a layer
    strides = [2] * (twos - 2 * fours) + [3] * threes + [4] * fours
    return tuple([1] * (layers - len(strides)) + sorted(strides))


def _exponents(factor: int) -> tuple[int, int]:
    twos = (factor & -factor).bit_length() - 1
    threes = round(math.log(factor >> twos, 3))
    return twos, threes


def plan_of(strides: tuple[tuple[int, int], ...], frames: int, bands: int) -> StridePlan:
    """The plan of strides (time, frequency) that somebody else chose."""
    time, frequency = tuple(t for t, _ in strides), tuple(f for _, f in strides)
    return StridePlan(time, frequency, -(-frames // math.prod(time)), -(-bands // math.prod(frequency)))
