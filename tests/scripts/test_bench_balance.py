"""The benchmark of stride plans compares networks of equally many weights and different maps."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from seqpool.nn.build import build_network


def test_plans_differ_in_their_maps_only(repository: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("bench_balance", repository / "scripts/bench_balance.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for data in script.DATA:
        maps, weights = set(), set()
        for plan in script.PLANS:
            experiment = script.experiment_of(data, plan, script.FOLDS[data][0], 1, tmp_path / "t.csv", 2)
            network = build_network(experiment.model.network, experiment.data.signal, 10, None)
            found = network.layers.plan(250, network.front.bands)
            maps.add((found.frames, found.bands))
            weights.add(sum(parameter.numel() for parameter in network.parameters()))
            assert experiment.trainer["max_epochs"] == 2
        assert len(maps) == 3
        assert len(weights) == 1
