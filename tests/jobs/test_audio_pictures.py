"""Evidence of the final map's cells: it sums to the output, and lies where the sound is."""

from __future__ import annotations

import pytest
import torch

from seqpool.jobs.audio_pictures import cell_evidence
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.options.check import record
from seqpool.options.map_networks import SpectrogramEncoder as Options


@pytest.mark.parametrize(("pool", "axes"), [("max", "both"), ("average", "time"), ("max_average", "both")])
def test_evidence_and_bias_sum_to_the_output(pool: str, axes: str) -> None:
    torch.manual_seed(0)
    options = record(Options, {"channels": [4, 6], "strides": [[2, 2], [3, 2]], "front": {"band_count": 12},
                               "global_pool": pool, "global_axes": axes})  # fmt: skip
    network = SpectrogramEncoder(options, 1, 8000.0, 3, None).eval()
    x = torch.randn(1, 1, 4000)
    evidence = cell_evidence(network, x, 2)
    plan = network.layers.plan(4000 // 80 + 1, 12)
    assert evidence.shape == (plan.bands, plan.frames)
    bias = network.layers.head[-1].bias[2]
    with torch.no_grad():
        assert evidence.sum() + float(bias) == pytest.approx(float(network(x)[0, 2]), abs=1e-5)
