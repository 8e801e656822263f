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


def run(code: str, folder: Path, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
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
