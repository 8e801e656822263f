"""The encoder on maps: a row alone, padded and in a batch; plans; geometry; any length; export."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqpool.nn.map_layers import MapBlock, MapLayers
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.options.check import record
from seqpool.options.map_networks import ImageEncoder
from seqpool.options.map_networks import SpectrogramEncoder as Options
from seqpool.pooling import avg_pool1d, blur_pool1d

FRONT = {"band_count": 16, "hop_s": 0.0125, "lowest_hz": 60, "views": ["plain", "row"]}


def encoder(length: int | None = None, **options: Any) -> SpectrogramEncoder:
    torch.manual_seed(0)
    chosen = {"channels": [4, 6, 8], "front": FRONT, "strides": [[2, 2], [2, 2], [2, 1]], **options}
    if "balance" in options:
        chosen.pop("strides")
    network = SpectrogramEncoder(record(Options, chosen), 1, 8000.0, 5, length)
    network.train()
    for seed in range(3):  # running moments that are not 0 and 1
        network(torch.randn(4, 1, 3000, generator=torch.Generator().manual_seed(seed)), torch.tensor([3000] * 4))
    return network.eval()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pool": "average", "global_pool": "average"},
        {"pool": "max_blur", "global_axes": "time"},
        {"pool": "average_blur", "global_pool": "max_average", "convolutions": 2},
        {"strides": [[1, 2], [3, 1], [4, 2]], "global_pool": "attention", "global_axes": "time", "hidden": 6},
        {"width": 5, "normalise": False, "global_pool": {"name": "lp", "p": 3}},
    ],
    ids=str,
)
def test_a_row_is_the_same_alone_padded_and_in_any_batch(options: dict[str, Any]) -> None:
    network = encoder(**options)
    lengths = torch.tensor([3000, 400, 1, 2213])
    x = torch.randn(4, 1, 3300)
    batch = torch.where(torch.arange(3300) < lengths[:, None, None], x, torch.nan)
    with torch.no_grad():
        together = network(batch, lengths)
        alone = torch.cat([network(x[row : row + 1, :, :n]) for row, n in enumerate(lengths.tolist())])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(together[0], together[3], atol=1e-5)


def test_training_does_not_see_padding_either() -> None:
    x, lengths = torch.randn(3, 1, 2000), torch.tensor([2000, 900, 1500])
    x = torch.where(torch.arange(2000) < lengths[:, None, None], x, 0.0)
    found = []
    for padded in (x, torch.nn.functional.pad(x, (0, 1000), value=torch.nan)):
        network = encoder(dropout=0.0).train()
        answers = network(padded, lengths)
        gradients = torch.autograd.grad(answers.square().sum(), list(network.parameters()))
        found.append([answers, *gradients, *network.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_very_short_and_a_very_long_clip() -> None:
    network = encoder()
    with torch.no_grad():
        assert torch.isfinite(network(torch.randn(2, 1, 400), torch.tensor([400, 0]))).all()
        assert torch.isfinite(network(torch.randn(1, 1, 600 * 8000))).all()


def test_the_plan_is_what_the_map_becomes() -> None:
    network = encoder(balance={"clip_s": 0.5, "ratio": 2})
    with torch.no_grad():
        maps, _ = network.maps(torch.randn(1, 1, 4000))
    plan = network.layers.plan(4000 // 100 + 1, 16)
    assert maps.shape == (1, 8, plan.bands, plan.frames)
    assert plan.ratio == 2


@pytest.mark.parametrize("pool", ["max", "average", "max_blur", "average_blur"])
def test_geometry_is_where_gradients_arrive(pool: str) -> None:
    network = encoder(
        pool=pool, convolutions=2, front={**FRONT, "level": "none", "normalise": "none", "views": ["plain"]}
    )
    x = torch.randn(1, 1, 30000, requires_grad=True)
    maps, _ = network.maps(x)
    column = maps.shape[3] // 2
    (gradient,) = torch.autograd.grad(maps[..., column].sum(), x)
    seen = gradient[0, 0].nonzero()[:, 0]
    first, last = network.geometry().inputs_seen(column)
    assert int(first) <= int(seen.min())
    assert int(seen.max()) <= int(last)
    # the outermost samples weigh next to nothing in a Hann window, and after pooling by maximum
    slack = 3000 if pool.startswith("max") else 600
    assert int(seen.min()) - int(first) < slack
    assert int(last) - int(seen.max()) < slack


def test_average_and_blur_are_the_one_dimensional_operators_on_each_axis() -> None:
    torch.manual_seed(0)
    maps = torch.rand(2, 3, 9, 14)
    for pool, operator, ceil in (("average", avg_pool1d, {"ceil_mode": True}), ("average_blur", blur_pool1d, {})):
        options = record(Options, {"pool": pool, "channels": [3], "strides": [[3, 2]]})
        block = MapBlock(3, 3, options, (3, 2))
        found, lengths = block._pooled(maps, torch.tensor([14, 14]))
        one = operator(operator(maps, 2, axis=2, **ceil), 3, axis=3, **ceil)
        torch.testing.assert_close(found, one)
        assert lengths is not None
        assert lengths.tolist() == [5, 5]
        assert found.shape == (2, 3, 5, 5)


def test_an_image_without_padding_shrinks_as_counted() -> None:
    options = record(ImageEncoder, {"channels": [4, 8], "padding": "valid", "strides": [[2, 2], [2, 2]],
                                    "global_axes": "none", "hidden": 7})  # fmt: skip
    network = MapLayers(options, options.strides, 1, 32, 32, 1)
    sizes = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, given, found: sizes.append(found[0].shape[2:]))
    assert network(torch.randn(3, 1, 32, 32)).shape == (3, 1)
    assert sizes == [(15, 15), (6, 6)]
    with pytest.raises(ValueError, match="leave an empty map"):
        MapLayers(options, options.strides, 1, 8, 8, 1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"strides": [[2, 2]]}, "1 pairs for 3 blocks"),
        ({"balance": {"clip_s": 1}, "strides": [[2, 2]] * 3}, "one of the two"),
        ({"width": 4}, "odd"),
        ({"padding": "valid"}, "images of one size"),
        ({"balance": {"clip_s": 0.01, "least_frames": 9}}, "change layers or limits"),
        ({"global_axes": "none"}, "one length"),
    ],
)
def test_wrong_options(changes: dict[str, Any], sentence: str) -> None:
    values = {"channels": [4, 6, 8], "strides": [[2, 2]] * 3, **changes}
    if "balance" in changes and "strides" not in changes:
        values.pop("strides")
    with pytest.raises(Exception, match=sentence):
        SpectrogramEncoder(record(Options, values), 1, 8000.0, 5, None)


@pytest.mark.parametrize("with_lengths", [True, False])
def test_an_exported_network_answers_alike_at_any_length(with_lengths: bool) -> None:
    network = encoder(channels=[4], strides=[[8, 4]])
    auto = torch.export.Dim.AUTO
    count = 2 if with_lengths else 1
    exported = torch.export.export(
        network,
        (torch.randn(2, 1, 4000), torch.tensor([4000, 1000]))[:count],
        dynamic_shapes=({0: auto, 2: auto}, {0: auto})[:count],
    ).module()
    with torch.no_grad():
        for samples in (1, 400, 799, 1600, 3333, 16000):  # of 400 samples, 50 ms, one column is left
            x, lengths = torch.randn(3, 1, samples), torch.tensor([samples, samples // 2, samples - 1])
            given = (x, lengths)[:count]
            torch.testing.assert_close(exported(*given), network(*given), rtol=1e-5, atol=1e-5)
