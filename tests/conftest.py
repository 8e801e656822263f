"""Where the public data lies, what its absence means, and how Hypothesis searches."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# One thread each: the commands under test are small, and threads that spin for one another starve a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts the suite in the background has it ignore Ctrl-C, which the commands under test would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline, as cores are shared and Numba compiles on first use; in CI the same cases every time.
hypothesis.settings.register_profile("seqpool", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.register_profile("many", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("seqpool")


def data_folder() -> Path:
    """The folder of the public data: $SEQPOOL_DATA, else ~/.cache/seqpool-data."""
    return Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `data` are skipped without the data, but never where CI=true: there they run and fail."""
    if data_folder().is_dir() or os.environ.get("CI") == "true":
        return
    missing = pytest.mark.skip(reason=f"no public data in {data_folder()} (set SEQPOOL_DATA)")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(missing)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the public data."""
    folder = data_folder()
    assert folder.is_dir(), f"the public data is not in {folder}: set SEQPOOL_DATA"
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root folder of the repository."""
    return Path(__file__).resolve().parent.parent
