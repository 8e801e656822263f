"""FASTA, read as a stream: uint8 codes in, whatever the length of a chromosome and the number of records.

Letters follow one rule everywhere: the alphabet's letters and its IUPAC codes in either case, U = T; blanks and line
ends (Unix or Windows) are skipped; any other byte makes its record, and only its record, bad.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from seqpool.alphabet import DNA, INVALID, Alphabet, Codes
from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name
from seqpool.records import Sequence

BLOCK_BYTES = 1 << 20
_BLANKS = b"\r\n \t"
_EMPTY = np.zeros(0, dtype=np.uint8)


@dataclass(frozen=True)
class Piece:
    """Some consecutive letters of one record, in the order of the file.

    record: 0-based number of the record in its file; name: the first word of its header.
    start: 0-based position of the first letter in the record; codes: (letters,) uint8, at most BLOCK_BYTES of them.
    last: nothing of this record follows. The last piece of a record may be empty.
    error: why the record is bad, on its last piece only; whatever came before of this record does not count.
    """

    record: int
    name: str
    start: int
    codes: Codes
    last: bool
    error: DataError | None = None


class _Record:
    """The record that is being read: counts its letters and finds the first byte that is none."""

    def __init__(self, file: str, number: int, header: bytes, alphabet: Alphabet, table: bytes) -> None:
        words = header[1:].split(maxsplit=1)
        self.file = file
        self.number = number
        self.name = words[0].decode("utf-8", errors="replace") if words else ""
        self.alphabet = alphabet
        self.table = table
        self.length = 0
        self.error: DataError | None = None
        if not words:
            self.error = DataError(f"{file}: record {number + 1} has no name after '>'.")

    def take(self, raw: bytes) -> Piece | None:
        """The next piece of this record; None when the bytes hold no letter or the record is bad."""
        if self.error is not None:
            return None
        text = raw.translate(self.table, _BLANKS)
        invalid = text.find(INVALID)
        if invalid >= 0:
            letter = raw.translate(None, _BLANKS)[invalid]
            shown = repr(chr(letter)) if letter < 128 else f"byte 0x{letter:02x}"
            self.error = DataError(
                f"{self.file}: record '{self.name}' has {shown} at position {self.length + invalid + 1}, "
                f"which is no letter or IUPAC code of the {self.alphabet.name} alphabet; the record is left out."
            )
            return None
        if not text:
            return None
        piece = Piece(self.number, self.name, self.length, np.frombuffer(text, dtype=np.uint8), last=False)
        self.length += len(text)
        return piece

    def end(self) -> Piece:
        return Piece(self.number, self.name, self.length, _EMPTY, last=True, error=self.error)


def _blocks(path: str) -> Iterator[bytes]:
    with open_decompressed(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def read_fasta_pieces(
    path: str, alphabet: Alphabet = DNA, *, soft_mask: str = "keep", name: str | None = None
) -> Iterator[Piece]:
    """Read FASTA (plain, gzip, bgzip or zstd by content; `-`: standard input) piece by piece, in constant memory.

    soft_mask: `keep` reads lower case as upper case; `skip` gives it the code MASKED. name: the file's in messages.
    Every record ends with a piece whose `last` is True, a bad one with the reason in `error`. Raises DataError for a
    file that cannot be read, is damaged or is not FASTA.
    """
    file = name or shown_name(path)
    table = (alphabet.byte_codes_masked if soft_mask == "skip" else alphabet.byte_codes).tobytes()
    record: _Record | None = None
    records = 0
    header = b""
    in_header = False
    at_line_start = True
    for block in _blocks(path):
        position = 0
        while position < len(block):
            if in_header:
                end = block.find(b"\n", position)
                header += block[position : end if end >= 0 else len(block)]
                if end < 0:
                    break
                record = _Record(file, records, header, alphabet, table)
                records += 1
                in_header, at_line_start = False, True
                position = end + 1
                continue
            if at_line_start and block.startswith(b">", position):
                next_header = position
            else:
                next_header = block.find(b"\n>", position) + 1 or len(block)
            letters = block[position:next_header]
            if record is None:
                _require_blank(file, letters)
            elif piece := record.take(letters):
                yield piece
            if next_header < len(block):
                if record is not None:
                    yield record.end()
                in_header, header = True, b""
            elif letters:
                at_line_start = letters.endswith(b"\n")
            position = next_header
    if in_header:
        record = _Record(file, records, header, alphabet, table)
    if record is not None:
        yield record.end()


def _require_blank(file: str, raw: bytes) -> None:
    text = raw.strip()
    if text:
        shown = repr(chr(text[0])) if 32 < text[0] < 127 else f"byte 0x{text[0]:02x}"
        raise DataError(f"{file} is not FASTA: it starts with {shown}, expected '>' and a name.")


def read_fasta(
    path: str,
    alphabet: Alphabet = DNA,
    *,
    soft_mask: str = "keep",
    on_error: Callable[[DataError], None] | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
) -> Iterator[Sequence]:
    """Read the records of a FASTA file, each whole, one at a time, in their order.

    path: plain, gzip, bgzip or zstd by content; `-` is standard input.
    soft_mask: `keep` reads lower case as upper case; `skip` gives it the code MASKED.
    on_error: takes the DataError of each bad record, which is then left out (`errors.append` collects them); without
    it the first bad record raises. on_warning: takes one sentence per record without letters, which is left out, and
    one for a file without records. Raises DataError for a file that cannot be read, is damaged or is not FASTA.
    """
    parts: list[Codes] = []
    records = 0
    for piece in read_fasta_pieces(path, alphabet, soft_mask=soft_mask):
        if not piece.last:
            parts.append(piece.codes)
            continue
        records += 1
        codes = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _EMPTY
        parts = []
        if piece.error is not None:
            if on_error is None:
                raise piece.error
            on_error(piece.error)
        elif not len(codes):
            on_warning(empty_record_warning(path, piece.name))
        else:
            yield Sequence(piece.name, codes)
    if not records:
        on_warning(empty_file_warning(path))


def empty_record_warning(path: str, name: str) -> str:
    """The sentence for a record that has a header and no letters."""
    return f"{shown_name(path)}: record '{name}' has no letters; it gives no rows."


def empty_file_warning(path: str) -> str:
    """The sentence for a file without a record."""
    return f"{shown_name(path)} is empty: it holds no FASTA record."


def write_fasta_record(name: str, text: str, width: int = 60) -> str:
    """One record as FASTA text, `width` letters a line."""
    lines = [text[i : i + width] for i in range(0, len(text), width)]
    return "\n".join([f">{name}", *lines]) + "\n"
