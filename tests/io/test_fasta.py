"""FASTA reading against Biopython, and the rules for letters, line ends, compression and bad files."""

from __future__ import annotations

import gzip
import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from Bio import SeqIO, bgzf
from hypothesis import given
from hypothesis import strategies as st

from seqpool.alphabet import DNA, MASKED, PROTEIN, RNA
from seqpool.errors import DataError
from seqpool.io import fasta
from seqpool.io.fasta import read_fasta, read_fasta_pieces, write_fasta_record


def write(folder: Path, content: bytes, name: str = "in.fa") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def no_warning(sentence: str) -> None:
    raise AssertionError(sentence)


records = st.lists(
    st.tuples(
        st.from_regex(r"[!-~]{1,8}", fullmatch=True).filter(lambda name: name.strip()),
        st.text(alphabet=DNA.symbols + DNA.symbols.lower(), min_size=1, max_size=70),
    ),
    min_size=1,
    max_size=6,
)


@given(records, st.integers(1, 40), st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 50), st.booleans())
def test_equals_biopython_for_any_block_size(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, str]],
    width: int,
    line_end: bytes,
    block: int,
    final_line_end: bool,
) -> None:
    text = "".join(write_fasta_record(f"{name} described", letters, width) for name, letters in entries)
    content = text.encode().replace(b"\n", line_end)
    if not final_line_end:
        content = content.rstrip(b"\r\n")
    path = write(tmp_path_factory.mktemp("fasta"), content)
    expected = [(r.id, str(r.seq).upper()) for r in SeqIO.parse(io.StringIO(text), "fasta")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fasta, "BLOCK_BYTES", block)
        got = [(s.name, DNA.decode(s.codes)) for s in read_fasta(path, on_warning=no_warning)]
        pieces = list(read_fasta_pieces(path))
    assert got == expected
    assert sum(piece.last for piece in pieces) == len(expected)
    assert max(len(piece.codes) for piece in pieces) <= block


def compressed(kind: str, content: bytes, folder: Path) -> bytes:
    if kind == "gzip":
        return gzip.compress(content)
    if kind == "gzip of two members":
        return gzip.compress(content[:7]) + gzip.compress(content[7:])
    if kind == "bgzip":
        buffer = io.BytesIO()
        with bgzf.BgzfWriter(fileobj=buffer) as writer:
            writer.write(content)
            writer.flush()
            return buffer.getvalue()
    if kind == "zstd":
        from backports import zstd

        return bytes(zstd.compress(content))
    return content


@pytest.mark.parametrize("kind", ["plain", "gzip", "gzip of two members", "bgzip", "zstd"])
def test_compression_is_told_by_content(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, compressed(kind, b">a x\nACGT\n>b\nGGN\n", tmp_path), "no_ending")
    assert [(s.name, DNA.decode(s.codes)) for s in read_fasta(path)] == [("a", "ACGT"), ("b", "GGN")]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_truncated_compressed_file_is_one_sentence(tmp_path: Path, kind: str) -> None:
    letters = np.random.default_rng(0).choice(list("ACGT"), 5000)
    content = compressed(kind, f">a\n{''.join(letters)}\n".encode(), tmp_path)
    path = write(tmp_path, content[: len(content) // 2])
    with pytest.raises(DataError, match="damaged"):
        list(read_fasta(path))


@pytest.mark.parametrize(
    ("letters", "alphabet", "read_as"),
    [
        ("acgtuN", DNA, "ACGTTN"),
        ("ACGU", RNA, "ACGU"),
        ("ACGT", RNA, "ACGU"),
        ("RYSWKMBDHVN", DNA, "RYSWKMBDHVN"),
        ("ACDXBZJUO*", PROTEIN, "ACDXBZJUO*"),
        ("AC GT\t\r\n  AC", DNA, "ACGTAC"),
    ],
)
def test_letters(tmp_path: Path, letters: str, alphabet: object, read_as: str) -> None:
    path = write(tmp_path, f">a\n{letters}\n".encode())
    (sequence,) = read_fasta(path, alphabet)  # type: ignore[arg-type]
    assert alphabet.decode(sequence.codes) == read_as  # type: ignore[attr-defined]


def test_soft_mask_skip(tmp_path: Path) -> None:
    (sequence,) = read_fasta(write(tmp_path, b">a\nACgtNn\n"), soft_mask="skip")
    assert sequence.codes.tolist() == [0, 1, MASKED, MASKED, DNA.unknown, MASKED]


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (b"ACG-T", "'-' at position 4"),
        (b"AC\nGT\n5ACGT", "'5' at position 5"),
        (b"AC>b", "'>' at position 3"),
        (b"AC\xc3\xa9", "byte 0xc3 at position 3"),
        (b"ACGTE", "'E' at position 5"),
        (b"*", "'*' at position 1"),
    ],
)
def test_other_bytes_make_only_their_record_bad(tmp_path: Path, bad: bytes, where: str) -> None:
    path = write(tmp_path, b">first\nAC\n>second x\n" + bad + b"\n>third\nGG\n")
    errors: list[DataError] = []
    names = [s.name for s in read_fasta(path, on_error=errors.append)]
    assert names == ["first", "third"]
    assert len(errors) == 1
    assert where in str(errors[0])
    assert "record 'second'" in str(errors[0])
    with pytest.raises(DataError, match="second"):
        list(read_fasta(path))


def test_record_without_name(tmp_path: Path) -> None:
    errors: list[DataError] = []
    assert [s.name for s in read_fasta(write(tmp_path, b">\nAC\n> b\nGG\n"), on_error=errors.append)] == ["b"]
    assert "record 1 has no name" in str(errors[0])


@pytest.mark.parametrize(
    ("content", "warning", "names"),
    [
        (b"", "is empty", []),
        (b"\n\n", "is empty", []),
        (b">a\n>b\nAC\n>c", "record 'a' has no letters", ["b"]),
        (b">a\n\n", "record 'a' has no letters", []),
    ],
)
def test_nothing_to_read_is_a_warning(tmp_path: Path, content: bytes, warning: str, names: list[str]) -> None:
    said: list[str] = []
    assert [s.name for s in read_fasta(write(tmp_path, content), on_warning=said.append)] == names
    assert warning in said[0]


@pytest.mark.parametrize(
    "content", [b"LOCUS x\n", b"\nACGT\n", b"\x89PNG\r\n", b";old comment\n>a\nAC\n", b"@r\nAC\n+\nII\n"]
)
def test_not_fasta(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="is not FASTA: it starts with"):
        list(read_fasta(write(tmp_path, content)))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.fa cannot be read: No such file"):
        list(read_fasta(str(tmp_path / "no.fa")))
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        list(read_fasta(str(tmp_path)))


def test_standard_input_may_be_compressed(repository: Path) -> None:
    import sys

    code = "from seqpool.io.fasta import read_fasta; print([(s.name, len(s)) for s in read_fasta('-')])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=gzip.compress(b">a\nACGT\n"),
        capture_output=True,
        cwd=repository,
        check=True,
    )
    assert done.stdout.decode().strip() == "[('a', 4)]"


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "name", "length"),
    [
        ("genomes/ecoli/NC_000913.fna.gz", "NC_000913.3", 4_641_652),
        ("genomes/edge_cases/chr01.fsa.bgz", "tpg|BK006935.2|", 230_218),
        ("genomes/yeast/chr04.fsa", "tpg|BK006938.2|", 1_531_933),
    ],
)
def test_genomes_equal_biopython(data: Path, file: str, name: str, length: int) -> None:
    (sequence,) = read_fasta(str(data / file))
    assert (sequence.name, len(sequence)) == (name, length)
    opener = gzip.open if file.endswith("z") else open
    with opener(data / file, "rt") as stream:
        assert DNA.decode(sequence.codes) == str(next(SeqIO.parse(stream, "fasta")).seq)


@pytest.mark.data
def test_peaks(data: Path) -> None:
    lengths = [len(s) for s in read_fasta(str(data / "dna/ctcf_pu1/ctcf.fa.gz"))]
    assert (len(lengths), set(lengths)) == (39_184, {100})
