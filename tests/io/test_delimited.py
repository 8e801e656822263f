"""Tables as columns of text against pandas, and what is said of damaged ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas
import pytest

from seqpool.errors import DataError
from seqpool.io.delimited import read_delimited


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id,label\na,1\nb,2\n", None),
        ("id\tlabel\na\t1,5\nb\t2\n", None),
        ('id,label\r\n"a, the first",1\r\n"say ""b""",2', None),
        ("EI,   ATRINS,   CCAG\nIE,BAB, GGT\n", ["class", "name", "sequence"]),
        ("\ufeffid,label\n\na,1\n\n", None),
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_cells_are_those_that_pandas_reads(tmp_path: Path, text: str, names: list[str] | None, compress: bool) -> None:
    file = tmp_path / "table"
    file.write_bytes(gzip.compress(text.encode()) if compress else text.encode())
    tabs = "\t" in text.splitlines()[0]
    expected = pandas.read_csv(
        file,
        sep="\t" if tabs else ",",
        names=names,
        dtype=str,
        skipinitialspace=True,
        compression="gzip" if compress else None,
        encoding="utf-8-sig",
    )
    assert read_delimited(str(file), names) == {name: expected[name].tolist() for name in expected.columns}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "holds no rows"),
        (b"id,label\n", "holds no rows"),
        (b"id,label\na,1\nb\n", "line 3 has 1 cells, expected 2"),
        (b"id,id\na,1\n", "two columns named 'id'"),
        (b"id,label\n\xff\xfe,1\n", "byte 10 is not UTF-8"),
        (gzip.compress(b"id,label\na,1\n" * 1000, mtime=0)[:60], "damaged"),
    ],
)
def test_a_damaged_table_is_one_sentence(tmp_path: Path, raw: bytes, sentence: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(raw)
    with pytest.raises(DataError, match=sentence):
        read_delimited(str(file))


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_delimited(str(tmp_path / "none.csv"))
