"""Kernels without a cache folder, from two Python threads at once, and after a fork."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seqpool
from seqpool.kernels.parallel import run_pieces

CALL = """
import threading
import numpy as np
from seqpool.kernels.best_window import best_windows
from seqpool.kernels.columns import symbol_scores
from seqpool.kernels.words import words_of

codes = np.random.default_rng(0).integers(0, 4, (300, 50)).astype(np.uint8)
weight = np.random.default_rng(1).normal(size=(70, 4, 9)).astype(np.float32)
table = np.eye(4, dtype=np.float32)

def call(threads):
    words = words_of(codes, np.full(300, 50))
    return best_windows(symbol_scores(weight, table, words), words, np.full(300, 42), 70, threads)[0].sum()

results = []
callers = [threading.Thread(target=lambda: results.extend(call(2) for _ in range(20))) for _ in range(3)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join()
assert len(results) == 60 and len(set(results)) == 1, results
"""


def run(code: str, folder: Path, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_python_threads_may_call_at_once() -> None:
    run(CALL, Path(seqpool.__file__).parent.parent)


def test_without_a_writable_cache_folder(tmp_path: Path) -> None:
    """A package folder where `__pycache__` cannot be made (a file is in its place) and a home that is a file."""
    package = Path(seqpool.__file__).parent
    shutil.copytree(package, tmp_path / "seqpool", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "seqpool/kernels/__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    blocked = str(tmp_path / "home")
    run(CALL, tmp_path, HOME=blocked, XDG_CACHE_HOME=blocked, PYTHONDONTWRITEBYTECODE="1")
    assert (tmp_path / "seqpool/kernels/__pycache__").is_file()


def test_compiled_code_is_kept_until_any_source_changes(tmp_path: Path) -> None:
    """A kernel holds the code of functions in other files: a change there must not leave the old code in use."""
    shutil.copytree(Path(seqpool.__file__).parent, tmp_path / "seqpool", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import sys
import numpy as np
from seqpool.kernels.winners import _add_winners
symbols, position = np.zeros((2, 5), np.uint8), np.zeros((2, 1), np.int32)
_add_winners(symbols, position, np.ones((2, 1), np.float32), 0, 1, np.zeros((1, 3, 4)))
assert sum(_add_winners.stats.cache_hits.values()) == int(sys.argv[1]), _add_winners.stats
"""
    other = tmp_path / "seqpool/kernels/vectors.py"
    for hits in (0, 1):
        run(code, tmp_path, str(hits), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    os.utime(other, (0, 0))
    for hits in (0, 1):
        run(code, tmp_path, str(hits), NUMBA_CACHE_DIR=str(tmp_path / "cache"))


def test_kept_code_is_loaded_without_the_compiler(tmp_path: Path) -> None:
    """What Numba loads to compile is not there after kept code ran, and is when something has to be compiled."""
    code = """
import sys
import numba
import numpy as np
from seqpool.kernels.loss_sums import add_columns
probability = np.empty(3)
add_columns(np.array([[0, 1], [1, 0]]), np.array([0.25, 0.75]), 2, probability, np.empty(3))
assert probability.tolist() == [0.1875, 0.625, 0.1875], probability
assert sum(add_columns.stats.cache_hits.values()) == int(sys.argv[1]), add_columns.stats
assert ("numba.typed.dictimpl" in sys.modules) == (sys.argv[1] == "0")
assert numba.njit(lambda values: {value: 2 * value for value in values})(np.arange(3)) == {0: 0, 1: 2, 2: 4}
"""
    root = str(Path(seqpool.__file__).parent.parent)
    for hits in (0, 1):
        run(code, tmp_path, str(hits), NUMBA_CACHE_DIR=str(tmp_path / "cache"), PYTHONPATH=root)


def test_pieces_run_once_and_failures_are_raised() -> None:
    for threads in (1, 2, 5):
        done: list[int] = []
        run_pieces(done.append, 23, threads)
        assert sorted(done) == list(range(23))

    def fail(number: int) -> None:
        if number == 3:
            raise ZeroDivisionError

    for threads in (1, 4):
        with pytest.raises(ZeroDivisionError):
            run_pieces(fail, 8, threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_threads_after_a_fork() -> None:
    """The child of a fork has none of its parent's threads: it makes its own instead of waiting for them."""
    code = """
import os
from seqpool.kernels.parallel import run_pieces
run_pieces(lambda number: None, 9, 3)
child = os.fork()
if child == 0:
    run_pieces(lambda number: None, 9, 3)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    run(code, Path(seqpool.__file__).parent.parent)
