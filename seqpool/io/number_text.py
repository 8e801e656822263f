"""Numbers as text, whole columns at a time, in the characters that Python's `str` and `.6g` give.

The characters of a column lie in an array (width, rows), a zero byte where a row has none at that place: rows are laid
side by side first, and then all zero bytes dropped at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Characters = NDArray[np.uint8]

_LEAST, _MOST = -290, 290  # decimal exponents whose powers of ten are ordinary floats
_POWERS = np.array([float(f"1e{e}") for e in range(5 - _MOST, 5 - _LEAST + 1)])
_ZERO, _POINT, _MINUS, _PLUS, _E = (np.uint8(ord(character)) for character in "0.-+e")


def characters_of(texts: list[str]) -> Characters:
    """(width, rows) the texts in UTF-8."""
    cells = np.array([text.encode() for text in texts], dtype=np.bytes_)
    return cells.view(np.uint8).reshape(len(texts), -1).T


def _digits(numbers: NDArray[np.unsignedinteger], count: int) -> Characters:
    """(count, rows) decimal digits as characters, leading zeros too."""
    digits = np.empty((count, len(numbers)), dtype=np.uint8)
    rest: NDArray[Any] = numbers.astype(np.uint32 if count < 10 else np.uint64)
    for place in range(count - 1, -1, -1):
        higher = rest // 10
        np.subtract(rest, higher * 10, out=digits[place], casting="unsafe")
        rest = higher
    digits += _ZERO
    return digits


def whole_numbers(values: NDArray[np.integer]) -> Characters:
    """(width, rows) each number in decimal."""
    largest = int(values.max(initial=0))
    if values.min(initial=0) < 0 or largest >= 10**18:
        return characters_of([str(value) for value in values.tolist()])
    digits = _digits(values.astype(np.uint64), len(str(largest)))
    for place in range(len(digits) - 1):
        digits[place][values < 10 ** (len(digits) - 1 - place)] = 0
    return digits


def six_digits(values: NDArray[np.floating]) -> Characters:
    """(22, rows) each number with 6 significant digits, nothing for NaN."""
    numbers = values.astype(np.float64)
    magnitude = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(magnitude))
    ordinary = (exponent > _LEAST) & (exponent < _MOST)
    exponent = np.where(ordinary, exponent, 0).astype(np.int16)
    scaled = np.where(ordinary, magnitude, 1.0) * _POWERS[_MOST - exponent]
    nearest = np.rint(scaled)
    # Python decides where the product's own rounding could, and where the logarithm was one too high
    ordinary &= (np.abs(np.abs(scaled - nearest) - 0.5) > 1e-6) & (nearest >= 100_000)
    carried = nearest >= 1_000_000
    exponent += carried
    digits = _digits(np.where(carried, 100_000, nearest).astype(np.uint32), 6)
    text = _laid_out(digits, exponent)
    text[0] = np.where(numbers < 0, _MINUS, 0)
    rest = np.flatnonzero(~ordinary)
    if len(rest):
        cells = characters_of(["" if value != value else f"{value:.6g}" for value in numbers[rest].tolist()])
        text[:, rest] = 0
        text[: len(cells), rest] = cells
    return text


def _laid_out(digits: Characters, exponent: NDArray[np.int16]) -> Characters:
    """Six digits with their point and exponent where `.6g` puts them, after an empty place for the sign."""
    scientific = (exponent < -4) | (exponent > 5)
    fraction = (exponent < 0) & ~scientific
    # number of the digit before the point, and of the last one that is not 0
    whole = np.where(scientific | fraction, 0, exponent).astype(np.uint8)
    last = np.zeros(len(exponent), dtype=np.uint8)
    for place in range(1, 6):
        last[digits[place] != _ZERO] = place
    shown = np.maximum(whole, last)
    text = np.zeros((22, len(exponent)), dtype=np.uint8)
    if fraction.any():
        text[1] = _ZERO * fraction
        text[2] = _POINT * fraction
        for place in range(3):
            text[3 + place] = _ZERO * (fraction & (exponent < -1 - place))
    for place in range(6):
        text[6 + 2 * place] = digits[place] * (shown >= place)
    for place in range(5):
        text[7 + 2 * place] = _POINT * ((whole == place) & (last > place) & ~fraction)
    if scientific.any():
        size = np.abs(exponent).astype(np.uint32)
        text[17] = _E * scientific
        text[18] = np.where(exponent < 0, _MINUS, _PLUS) * scientific
        text[19:] = _digits(size, 3) * scientific
        text[19][size < 100] = 0
    return text
