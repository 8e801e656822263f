"""Huffman codes of SCP-ECG: the standard's default table, and tables that a file brings along.

Source: ISO 11073-91064:2009, section 2 and annex C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Code:
    """A prefix and what it means: a value, a value in the bits that follow, or another table from here on.

    following_bits: 0 where the prefix itself stands for `value`. switch: the table (from 1) to go on with.
    """

    value: int = 0
    following_bits: int = 0
    switch: int = 0


Codes = dict[tuple[int, int], Code]
"""(bits of the prefix, the prefix with its first bit highest) -> its meaning."""


def _default() -> Codes:
    codes: Codes = {(1, 0): Code(0)}
    for size in range(1, 9):  # 1 ... 1 0 s: `size` ones, a zero, and the sign
        prefix = ((1 << size) - 1) << 2
        codes[(size + 2, prefix)] = Code(size)
        codes[(size + 2, prefix | 1)] = Code(-size)
    codes[(10, 0b1111111110)] = Code(following_bits=8)
    codes[(10, 0b1111111111)] = Code(following_bits=16)
    return codes


DEFAULT_TABLE = _default()


def read_tables(section: bytes) -> list[Codes]:
    """The tables of a section 2 that has its own. Raises ValueError where they cannot be."""
    tables = []
    at = 2
    for _ in range(struct.unpack_from("<H", section)[0]):
        codes: Codes = {}
        number = struct.unpack_from("<H", section, at)[0]
        at += 2
        for _ in range(number):
            prefix_bits, all_bits, mode, value, prefix = struct.unpack_from("<BBBhI", section, at)
            at += 9
            if not 1 <= prefix_bits <= 32 or not prefix_bits <= all_bits <= prefix_bits + 16:
                raise ValueError(f"a code of {prefix_bits} bits in a word of {all_bits} cannot be")
            reversed_prefix = int(f"{prefix:032b}"[::-1][:prefix_bits], 2)  # files have the first bit lowest
            codes[(prefix_bits, reversed_prefix)] = (
                Code(value, all_bits - prefix_bits) if mode else Code(switch=max(value, 1))
            )
        tables.append(codes)
    if not tables:
        raise ValueError("it announces no table")
    return tables


def decoded(coded: bytes, samples: int, tables: list[Codes]) -> NDArray[np.int64]:
    """The first `samples` values of a lead. Raises ValueError where the bits end early or form no code."""
    bits = np.unpackbits(np.frombuffer(coded, np.uint8)).tolist()
    codes = tables[0]
    longest = [max(size for size, _ in table) for table in tables]
    limit = longest[0]
    found: list[int] = []
    prefix, size, at = 0, 0, 0
    while len(found) < samples:
        if at >= len(bits):
            raise ValueError(f"its bits end after {len(found)} of {samples} samples")
        prefix = (prefix << 1) | bits[at]
        at += 1
        size += 1
        code = codes.get((size, prefix))
        if code is None:
            if size >= limit:
                raise ValueError(f"bit {at} ends no code")
            continue
        prefix = size = 0
        if code.switch:
            if code.switch > len(tables):
                raise ValueError(f"bit {at} switches to table {code.switch} of {len(tables)}")
            codes, limit = tables[code.switch - 1], longest[code.switch - 1]
        elif code.following_bits:
            value = 0
            for bit in bits[at : at + code.following_bits]:
                value = (value << 1) | bit
            at += code.following_bits
            sign = 1 << (code.following_bits - 1)
            found.append(value - 2 * sign if value & sign else value)
        else:
            found.append(code.value)
    return np.array(found, dtype=np.int64)
