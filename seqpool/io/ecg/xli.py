"""XLI, the compression of Philips Sierra ECG: 10-bit LZW over the bytes of second differences.

Source: the description of C. A. Watford, sierra-ecg-tools (2011), who found it out; written anew from it.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_BITS = 10
_LAST_CODE = (1 << _BITS) - 2
_BIAS = 64


def decompress(data: bytes, leads: int) -> list[NDArray[np.int64]]:
    """The leads of a compressed block, each (samples,), in the steps of the converter.

    A lead is a chunk: its length in bytes (4), a number without known meaning (2), the first difference (2), and codes.
    Raises ValueError where a chunk ends early or holds an impossible code.
    """
    found = []
    at = 0
    for lead in range(leads):
        if at + 8 > len(data):
            raise ValueError(f"the data end before lead {lead + 1} of {leads}")
        length, _, first = struct.unpack_from("<ihh", data, at)
        chunk = data[at + 8 : at + 8 + length]
        if length < 0 or len(chunk) < length:
            raise ValueError(f"lead {lead + 1} is {length} bytes long and {len(data) - at - 8} are left")
        found.append(_integrated(_words(_lzw(chunk)), first))
        at += 8 + length
    return found


def _lzw(chunk: bytes) -> bytes:
    """LZW with codes of ten bits, most significant first; the table stops growing when it is full."""
    table = [bytes([value]) for value in range(256)]
    codes = 8 * len(chunk) // _BITS
    stream = np.unpackbits(np.frombuffer(chunk, np.uint8))[: codes * _BITS].reshape(codes, _BITS)
    pieces = []
    previous = b""
    for code in (stream @ (1 << np.arange(_BITS - 1, -1, -1))).tolist():
        if code > _LAST_CODE:
            break
        if code < len(table):
            piece = table[code]
        elif code == len(table) and previous:
            piece = previous + previous[:1]
        else:
            raise ValueError(f"code {code} stands for nothing yet")
        pieces.append(piece)
        if previous and len(table) <= _LAST_CODE:
            table.append(previous + piece[:1])
        previous = piece
    return b"".join(pieces)


def _words(raw: bytes) -> NDArray[np.int64]:
    """16-bit words whose high bytes all come before the low bytes."""
    number = (len(raw) + 1) // 2
    both = np.frombuffer(raw.ljust(2 * number, b"\0"), np.uint8).reshape(2, number).astype(np.uint16)
    words: NDArray[np.int64] = ((both[0] << 8) | both[1]).astype(np.int16).astype(np.int64)
    return words


def _integrated(words: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Samples from second differences: x[i] = 2 x[i-1] - x[i-2] - d[i], d[2] = first, d[i] = words[i-1] - 64."""
    if len(words) < 3:
        return words
    second = np.concatenate([[first], words[2:-1] - _BIAS])
    slope = words[1] - words[0] - np.cumsum(second)
    whole: NDArray[np.int64] = np.concatenate([words[:2], words[1] + np.cumsum(slope)])
    return whole
