"""Labels for every sample: what comes back lies where it came from, and padding changes nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.nn.build import build_network
from seqpool.nn.decoders import SampleLabeller, brought_to, twice_as_many
from seqpool.options import networks
from seqpool.options.inputs import Letters
from seqpool.options.networks import network_record
from seqpool.options.pooling import Pooling
from seqpool.options.training import sequence_model_record

DECODERS = ("unet", "fpn", "hypercolumn")


def labeller(decoder: str, **changes: object) -> SampleLabeller:
    torch.manual_seed(3)
    values = {"stem": 4, "channels": (4, 6, 8), "decoder_channels": 5, "width": 5, "decoder": decoder} | changes
    return SampleLabeller(networks.SampleLabeller(**values), channels=2, outputs=4).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_doubling_is_torchs_linear_upsampling(size: int) -> None:
    x = torch.randn(3, 2, size, dtype=torch.float64)
    expected = functional.interpolate(x, scale_factor=2, mode="linear", align_corners=False)
    torch.testing.assert_close(twice_as_many(x), expected, rtol=0, atol=1e-15)


@given(st.integers(1, 12), st.integers(0, 9))
def test_doubling_looks_at_nothing_past_a_length(length: int, padding: int) -> None:
    x = torch.from_numpy(np.random.default_rng(length).normal(size=(1, 2, length)))
    padded = functional.pad(x, (0, padding), value=float("nan"))
    doubled = twice_as_many(padded, torch.tensor([length]))
    assert torch.equal(doubled[..., : 2 * length], twice_as_many(x))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_ramp_averaged_and_brought_back_stays_where_it_was(depth: int) -> None:
    ramp = torch.arange(2.0**depth * 12, dtype=torch.float64)[None, None]
    x = ramp
    for _ in range(depth):
        x = functional.avg_pool1d(x, 2)
    back = brought_to((x, None), depth)
    inside = slice(2**depth, -(2**depth))
    torch.testing.assert_close(back[..., inside], ramp[..., inside], rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_an_impulse_comes_back_around_its_own_place(depth: int) -> None:
    """Pooled by the maximum, its centroid is off by at most (2^depth - 1) / 2, and by 0 over all places of a cell."""
    size, cell = 2**depth * 16, 2**depth
    errors = []
    for place in range(8 * cell, 9 * cell):
        x = torch.zeros(1, 1, size, dtype=torch.float64)
        x[..., place] = 1
        for _ in range(depth):
            x = functional.max_pool1d(x, 2)
        back = brought_to((x, None), depth)[0, 0]
        errors.append(float((back * torch.arange(size)).sum() / back.sum()) - place)
    assert max(map(abs, errors)) <= (cell - 1) / 2 + 1e-9
    assert abs(float(np.mean(errors))) < 1e-9


@pytest.mark.parametrize("decoder", DECODERS)
@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(0, 70), min_size=1, max_size=4), padding=st.integers(0, 9), seed=st.integers(0, 9))
def test_a_row_is_the_same_alone_and_in_any_batch(decoder: str, lengths: list[int], padding: int, seed: int) -> None:
    network = labeller(decoder, whole_outputs=1).double()
    size = max(lengths) + padding + 1
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(len(lengths), 2, size)))
    places = torch.arange(size)
    x = torch.where(places >= torch.tensor(lengths)[:, None, None], torch.nan, x)
    together, new_lengths = network(x, torch.tensor(lengths))
    assert together.shape == (len(lengths), 4, size)
    assert new_lengths.tolist() == lengths
    for row, length in enumerate(lengths):
        assert torch.all(together[row, :, length:] == 0)
        if length:
            alone = network(x[row : row + 1, :, :length])
            torch.testing.assert_close(together[row : row + 1, :, :length], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_shift_by_the_jump_shifts_the_labels(decoder: str) -> None:
    """Inside, away from both ends by the receptive field of the way down and up."""
    network = labeller(decoder).double()
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, 800)))
    step = network.multiple
    moved = functional.pad(x, (step, 0))[..., :800]
    reach = 2 * int(network.geometries()[-1].receptive_field)
    inside = slice(reach, 800 - reach)
    first, second = network(x)[..., inside], network(moved)[..., reach + step : 800 - reach + step]
    shared = min(first.shape[-1], second.shape[-1])
    assert shared > 100
    torch.testing.assert_close(first[..., :shared], second[..., :shared], rtol=0, atol=1e-10)


@pytest.mark.parametrize("decoder", DECODERS)
def test_geometry_is_that_of_the_gradient(decoder: str) -> None:
    """The deepest level's cell sees what its geometry says (average pools, so that nothing is routed away)."""
    network = labeller(decoder, pool=Pooling("average"), stem_pool=4).double()
    for parameter in network.parameters():
        parameter.data.abs_()
    x = torch.ones(1, 2, 512, dtype=torch.float64, requires_grad=True)
    levels = network._levels(x, None)
    for (maps, _), geometry in zip(levels, network.geometries(), strict=True):
        cell = maps.shape[-1] // 2
        gradient = torch.autograd.grad(maps[0, :, cell].sum(), x, retain_graph=True)[0]
        seen = torch.nonzero(gradient.abs().sum(dim=1)[0]).flatten()
        assert (int(seen[0]), int(seen[-1])) == geometry.inputs_seen(cell)


def test_a_u_net_that_carries_only_its_skip_returns_its_input() -> None:
    one_wide = networks.SampleLabeller(stem=1, stem_width=1, stem_pool=1, channels=(1, 1), width=1, convolutions=1)
    network = SampleLabeller(one_wide, channels=1, outputs=1).double().eval()
    for parameter in network.parameters():
        parameter.data.zero_()
    for layer in (network.stem, network.levels[0], network.decoder.blocks[0]):
        layer.convolutions[0].weight.data[0, -1] = 1.0  # of the two inputs of the way up, the skip is the last
        layer.norms[0].weight.data.fill_((1 + layer.norms[0].eps) ** 0.5)
    network.samples.weight.data.fill_(1.0)
    x = torch.rand(2, 1, 33, dtype=torch.float64)
    torch.testing.assert_close(network(x), x, rtol=0, atol=1e-14)


@pytest.mark.parametrize("decoder", DECODERS)
def test_each_decoder_learns_to_mark_a_bump(decoder: str) -> None:
    network = labeller(decoder, stem_pool=2).train()
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    generator = np.random.default_rng(1)
    for _ in range(100):
        places = generator.integers(10, 90, 16)
        samples = np.arange(100)
        bump = np.exp(-(((samples - places[:, None]) / 3.0) ** 2))
        x = torch.from_numpy(np.stack([bump, bump], axis=1) + 0.1 * generator.normal(size=(16, 2, 100))).float()
        target = torch.from_numpy((abs(samples - places[:, None]) < 5).astype(np.float32))
        loss = functional.binary_cross_entropy_with_logits(network(x)[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    shares = float((torch.sigmoid(network(x)[:, 0]) > 0.5).eq(target > 0.5).float().mean())
    assert shares > 0.98, "a label that is never given would be right at 0.91"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stem_pool": 3}, "stem_pool is 3, expected 1, 2, 4, 8"),
        ({"channels": ()}, "channels is empty"),
        ({"block_dropout": 1.0}, "block_dropout is 1.0"),
    ],
)
def test_options_out_of_range_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        networks.SampleLabeller(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pool": "max_average"}, "changes the channels"),
        ({"pool": {"name": "max_blur", "taps": 4}}, "another number of taps has it"),
        ({"whole_outputs": 4}, "leave none for the samples"),
    ],
)
def test_what_does_not_fit_is_one_sentence(changes: dict[str, object], sentence: str) -> None:
    options = network_record({"class_path": "SampleLabeller", "init_args": changes})
    with pytest.raises(UsageError, match=sentence):
        build_network(options, Letters("dna"), 4, None)


def test_a_model_of_one_answer_per_input_refuses_it() -> None:
    with pytest.raises(
        UsageError, match="answers for every sample or beat, expected a network with one answer per input"
    ):
        sequence_model_record({"network": "SampleLabeller", "target": "binary"})


def test_the_pool_of_a_level_keeps_cells_between_their_positions() -> None:
    for choice in ("max", "average", "lp", {"name": "max_blur", "taps": 3}, {"name": "average_blur", "taps": 4}):
        network = labeller("fpn", pool=Pooling.parse(choice))
        assert {pool.geometry.centre() for pool in network.pools} == {Fraction(1, 2)}
