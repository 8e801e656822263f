"""Tables as text: Python's own formatting is the referee of every number."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from seqpool.io.tables import (
    ROWS_AT_ONCE,
    JsonLinesWriter,
    ParquetWriter,
    Repeated,
    Seconds,
    TsvWriter,
    concatenated,
)

TEXTS = st.text(st.characters(exclude_characters="\0\t\n\r", exclude_categories=["Cs"]), max_size=12)


def written(**columns: Any) -> list[list[str]]:
    stream = io.StringIO()
    TsvWriter(stream, tuple(columns), header=False).write(columns)
    return [line.split("\t") for line in stream.getvalue().split("\n")[:-1]]


@given(st.lists(st.floats(width=64), max_size=50))
def test_numbers_have_six_significant_digits(values: list[float]) -> None:
    expected = ["" if value != value else f"{value:.6g}" for value in values]
    assert written(x=np.array(values)) == [[text] for text in expected]


def test_numbers_of_every_size_and_at_every_edge() -> None:
    generator = np.random.default_rng(0)
    scattered = 10 ** generator.uniform(-320, 308, 20_000) * generator.choice([-1, 1], 20_000)
    usual = 10 ** generator.uniform(-9, 9, 50_000)
    grid = generator.integers(-40_000, 40_000, 20_000) * 0.001
    halves = generator.integers(-(10**7), 10**7, 20_000) / 4  # ties of the seventh digit
    edges = [float(f"{digits}e{exponent}") for digits in ("1", "9.999995", "9.999994999") for exponent in range(-8, 9)]
    for values in (
        scattered,
        usual,
        grid,
        np.round(grid, 9),
        halves,
        np.array(edges),
        np.array(edges, dtype=np.float32),
    ):
        assert written(x=values) == [[f"{value:.6g}"] for value in values.tolist()]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 10**6), max_size=50))
def test_whole_numbers(values: list[int]) -> None:
    assert written(x=np.array(values, dtype=np.int64)) == [[str(value)] for value in values]


@given(st.lists(st.tuples(TEXTS, st.integers(0, 2)), max_size=30))
def test_texts_in_every_kind_of_column(rows: list[tuple[str, int]]) -> None:
    texts = [text for text, _ in rows]
    distinct = np.array(["plain", "", "\u03b2-globin"], dtype=object)
    repeated = Repeated(distinct, np.array([place for _, place in rows], dtype=np.int64))
    table = written(objects=np.array(texts, dtype=object), array=np.array(texts, dtype=str), repeated=repeated)
    assert table == [[text, text, distinct[place]] for text, place in rows]


@given(st.lists(st.text("ACGT", max_size=9), max_size=30))
def test_bytes_are_texts(texts: list[str]) -> None:
    column = np.array(texts, dtype="S9")
    assert written(x=column, y=np.arange(len(texts))) == [[text, str(i)] for i, text in enumerate(texts)]
    assert concatenated([{"x": column}], {"x": str})["x"].tolist() == texts


def test_rows_of_many_writes_stay_in_order() -> None:
    count = 2 * ROWS_AT_ONCE + 5
    columns = {"row": np.arange(count), "half": np.arange(count) / 2}
    assert written(**columns) == [[str(i), f"{i / 2:.6g}"] for i in range(count)]


def test_repeated_texts_are_texts_everywhere() -> None:
    repeated = Repeated(np.array(["a", "b"], dtype=object), np.array([1, 0, 1]))
    stream = io.StringIO()
    JsonLinesWriter(stream, ("x",)).write({"x": repeated})
    assert stream.getvalue() == '{"x": "b"}\n{"x": "a"}\n{"x": "b"}\n'
    table = concatenated([{"x": repeated}, {"x": repeated[1:]}], {"x": str})
    assert table["x"].tolist() == ["b", "a", "b", "a", "b"]


def test_seconds_keep_their_milliseconds_however_many_there_are(tmp_path: Path) -> None:
    times = np.array([0.0, 0.0004, 86399.1236, 1e6 + 0.0016])
    column = Seconds(times)
    assert written(x=column) == [["0.000"], ["0.000"], ["86399.124"], ["1000000.002"]]
    stream = io.StringIO()
    JsonLinesWriter(stream, ("x",)).write({"x": column})
    assert [json.loads(line)["x"] for line in stream.getvalue().splitlines()] == times.tolist()
    with (tmp_path / "x.parquet").open("wb") as binary:
        parquet = ParquetWriter(binary, {"x": np.float64}, {})
        parquet.write({"x": column})
        parquet.close()
    assert pq.read_table(tmp_path / "x.parquet")["x"].to_pylist() == times.tolist()
    assert concatenated([{"x": column}, {"x": column[1:2]}], {"x": np.float64})["x"].tolist() == [*times, times[1]]


@given(st.lists(st.tuples(st.floats(width=64), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_repeated_numbers_are_written_as_numbers_are(values: list[tuple[float, bool]], random: Random) -> None:
    """Over writes of the same distinct values and of others."""
    stream = io.StringIO()
    writer = TsvWriter(stream, ("x",), header=False)
    expected: list[str] = []
    distinct = np.array([value for value, _ in values])
    for _, changed in values:
        distinct = distinct[::-1].copy() if changed else distinct
        places = np.array([random.randrange(len(distinct)) for _ in range(3)])
        writer.write({"x": Repeated(distinct, places)})
        plain = io.StringIO()
        TsvWriter(plain, ("x",), header=False).write({"x": distinct[places]})
        expected.append(plain.getvalue())
    assert stream.getvalue() == "".join(expected)
