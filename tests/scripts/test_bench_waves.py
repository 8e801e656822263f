"""The benchmark of decoders compares networks of equally many weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def test_weights_are_equal(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("bench_waves", repository / "scripts/bench_waves.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    wanted = script.weights_of(script.labeller("unet", 32))
    for decoder in ("fpn", "hypercolumn"):
        found = script.weights_of(script.labeller(decoder, script.equal_channels(decoder, wanted)))
        assert abs(found - wanted) < 0.02 * wanted
