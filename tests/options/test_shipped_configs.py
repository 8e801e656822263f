"""Every shipped config passes the check that a user's config passes, and divides its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqpool.options.config import check_config, read_config

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_is_accepted(path: Path) -> None:
    experiment = check_config(read_config([str(path)]))
    assert experiment.data.split is not None
