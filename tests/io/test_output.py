"""Output is whole or not there at all, and what cannot be written is one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seqpool.errors import DataError
from seqpool.io.output import open_binary_output, open_output


def test_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.tsv"
    with open_output(path) as stream:
        stream.write("a\tb\n")
        assert not path.exists()
    assert path.read_bytes() == b"a\tb\n"
    assert os.listdir(tmp_path) == ["out.tsv"]


def test_bytes(tmp_path: Path) -> None:
    with open_binary_output(tmp_path / "out") as stream:
        stream.write(b"\x00\x01")
    assert (tmp_path / "out").read_bytes() == b"\x00\x01"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "out.tsv"
    path.write_text("old")

    def interrupted() -> None:
        with open_output(path) as stream:
            stream.write("new")
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.tsv"]


def test_mode_and_link_of_an_old_file_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with open_output(link) as stream:
        stream.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def write_into(path: str) -> None:
    with open_output(path) as stream:
        stream.write("x" * 100_000)


@pytest.mark.parametrize(
    ("path", "reason"), [("/dev/full", "No space left"), ("/no/such/folder/out.tsv", "No such file")]
)
def test_unwritable_is_one_sentence(path: str, reason: str) -> None:
    with pytest.raises(DataError, match=f"{path} cannot be written: {reason}"):
        write_into(path)


def test_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Is a directory"):
        write_into(str(tmp_path))


def test_full_standard_output(repository: Path) -> None:
    code = (
        "import sys\nfrom seqpool.io.output import open_output\nfrom seqpool.errors import DataError\n"
        "try:\n  with open_output(None) as s: s.write('x' * 10)\nexcept DataError as e:\n  sys.exit(str(e))"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, cwd=repository
        )
    assert done.returncode == 1
    assert done.stderr == "standard output cannot be written: No space left on device.\n"
