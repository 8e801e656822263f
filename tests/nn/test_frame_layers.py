"""Layers that commute with exchanging frames and strands: every group, at random weights and after training."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.frame_layers import GROUPS, EquivariantLayer, Group, frames_from_starts, starts_from_frames
from seqpool.nn.frames import FrameSymmetrized
from seqpool.nn.group_pool import GroupPool
from seqpool.nn.strand_layers import ReverseComplementConv1d
from seqpool.nn.strands import reverse_complement
from seqpool.pooling import GlobalMaxPool1d
from tests.nn.letter_batches import Pooled, codon_stack, one_hot, other_strand, some_letters, with_integers

BUDGET = settings(max_examples=25, deadline=None)

ROWS = {
    "C2": (2, "ab ba"),
    "C3": (3, "abc cab bca"),
    "S3": (6, "abb bab bba"),
    "D3": (6, "abcdef cabefd bcafde defabc efdcab fdebca"),
    "C3 wr C2": (18, "abcddd cabddd bcaddd dddabc dddcab dddbca"),
    "S3 wr C2": (72, "abbccc babccc bbaccc cccabb cccbab cccbba"),
    "S6": (720, "abbbbb babbbb bbabbb bbbabb bbbbab bbbbba"),
}
"""Order of the group and its pattern, as they are in the literature."""

FREE = {
    "C2": 2,
    "C3": 3,
    "S3": 2,
    "D3": 6,
    "C3 wr C2": 4,
    "S3 wr C2": 3,
    "S6": 2,
    "slide": 12,
    "reverse complement": 18,
}

CODONS = [name for name, group in GROUPS.items() if group.on_codons]


def elements(group: Group) -> list[tuple[int, ...]]:
    """Every permutation of the group."""
    found = {tuple(range(group.readings))}
    new = set(found)
    while new:
        new = {tuple(one[i] for i in step) for one in new for step in group.generators} - found
        found |= new
    return sorted(found)


def moved(x: Tensor, permutation: tuple[int, ...]) -> Tensor:
    """Reading i at place permutation[i]."""
    output = torch.empty_like(x)
    output[:, list(permutation)] = x
    return output


@pytest.mark.parametrize("name", GROUPS)
def test_pattern_and_number_of_free_matrices(name: str) -> None:
    group = GROUPS[name]
    assert group.free == FREE[name] == EquivariantLayer(2, 3, name).weight.shape[0]
    if name in ROWS:
        order, rows = ROWS[name]
        assert " ".join("".join("abcdef"[label] for label in row) for row in group.pattern) == rows
        assert len(elements(group)) == order


def test_sliding_and_reverse_complementing_are_dihedral() -> None:
    """r s r = s^-1: the strands turn opposite ways when frames are counted from each strand's own 5' end."""
    slide, swap = GROUPS["D3"].generators
    there_and_back = tuple(swap[slide[swap[i]]] for i in range(6))
    assert tuple(slide[there_and_back[i]] for i in range(6)) == tuple(range(6))
    network = FrameSymmetrized(codon_stack(1, outputs=4, seed=1), 6)
    x = one_hot(some_letters(32, 0))[0]

    def windows(x: Tensor) -> Tensor:
        readings = network.readings(x)
        return readings.values[0, :, : int(readings.lengths)]

    whole, trimmed = windows(x), windows(x[:, :, 1:])
    # (+, f) becomes (+, f - 1): window i is what was window i + 1; (-, f) stays what it was at its own 5' end
    assert torch.equal(trimmed[:, :, 0], whole[:, 1:, 0])
    assert torch.equal(trimmed[:, :, 1], whole[:, :-1, 1])
    # a slide takes a letter from the front and gives one at the end, in front of the reverse strand
    slid = windows(torch.cat([x[:, :, 1:], x[:, :, :1]], dim=2))
    assert torch.equal(slid[:, 1:, 1], whole[:, :-1, 1])


def error(layer: nn.Module, x: Tensor, permutations: list[tuple[int, ...]]) -> float:
    with torch.no_grad():
        return max(float((layer(moved(x, one)) - moved(layer(x), one)).abs().max()) for one in permutations)


@pytest.mark.parametrize("name", GROUPS)
def test_layers_commute_with_their_group_and_with_no_other_permutation(name: str) -> None:
    group = GROUPS[name]
    torch.manual_seed(0)
    layer, x = EquivariantLayer(5, 4, name), torch.randn(7, group.readings, 5)
    own = elements(group)
    assert error(layer, x, own) < 1e-5
    others = set(itertools.permutations(range(group.readings))) - set(own)
    for other in sorted(others)[:: max(len(others) // 8, 1)]:
        if tuple(group.pattern) != tuple(permuted(group.pattern, other)):
            assert error(layer, x, [other]) > 0.1
    assert error(with_integers(layer, 1), torch.randint(-4, 5, x.shape).float(), own) == 0


def permuted(pattern: tuple[tuple[int, ...], ...], one: tuple[int, ...]) -> list[tuple[int, ...]]:
    """A pattern after its readings have traded places."""
    return [tuple(pattern[one[i]][one[j]] for j in range(len(one))) for i in range(len(one))]


@pytest.mark.parametrize("name", GROUPS)
def test_layers_commute_with_their_group_after_training(name: str) -> None:
    group = GROUPS[name]
    torch.manual_seed(1)
    network = nn.Sequential(EquivariantLayer(3, 6, name), nn.Tanh(), EquivariantLayer(6, 2, name))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    x, target = torch.randn(64, group.readings, 3), torch.randn(64, group.readings, 2)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert error(network, x, list(group.generators)) < 1e-5
    pooled = GroupPool("average")
    for one in group.generators:
        values, other = (pooled(network(given).transpose(1, 2)) for given in (x, moved(x, one)))
        torch.testing.assert_close(values, other, atol=1e-5, rtol=0)


def test_strands_that_turn_the_same_way_are_the_wrong_group() -> None:
    cyclic = Group("C6", "", ((2, 0, 1, 5, 3, 4), (3, 4, 5, 0, 1, 2)))
    assert cyclic.free == 6
    layer, x = EquivariantLayer(4, 4, "D3"), torch.randn(5, 6, 4, generator=torch.Generator().manual_seed(0))
    assert error(layer, x, [cyclic.generators[0]]) > 0.1


@pytest.mark.parametrize("length", [300, 301, 302])
def test_two_layers_on_the_maxima_of_a_sequence(length: int) -> None:
    """rc exchanges the strands exactly; a slide acts as D3 where no window at an end wins."""
    torch.manual_seed(0)
    layers = nn.Sequential(EquivariantLayer(6, 8, "D3"), nn.ReLU(), EquivariantLayer(8, 4, "D3")).double()
    with_integers(layers, 3)
    network = FrameSymmetrized(Pooled(codon_stack(3, outputs=6, seed=3), GlobalMaxPool1d()), 6, shortest=9)

    def features(sequence: str) -> Tensor:
        values = network.readings(*one_hot(sequence)).values  # (1, C, frames, strands)
        return values.permute(0, 3, 2, 1).flatten(1, 2).double()

    slide, swap = GROUPS["D3"].generators
    slid = 0
    for seed in range(12):
        sequence = some_letters(length, seed)
        here = features(sequence)
        there = features(other_strand(sequence))
        assert torch.equal(there, moved(here, swap))
        assert torch.equal(layers(there), moved(layers(here), swap))
        # the letter that slides off the front comes back at the end
        after = features(sequence[1:] + some_letters(1, seed + 1))
        if torch.equal(after, moved(here, slide)):
            slid += 1
            assert torch.equal(layers(after), moved(layers(here), slide))
        else:
            assert not torch.equal(layers(after), moved(layers(here), slide))
    assert slid >= 1


# Codons


@BUDGET
@given(st.integers(1, 20), st.integers(1, 3))
def test_frames_and_starts_are_two_views_of_the_same(length: int, channels: int) -> None:
    x = torch.randn(2, channels, length)
    frames = frames_from_starts(x)
    for frame in range(3):
        own = x[:, :, frame::3]
        assert torch.equal(frames[frame, :, :, : own.shape[2]], own)
    assert torch.equal(starts_from_frames(frames)[:, :, :length], x)


@pytest.mark.parametrize("codons", [1, 3])
@pytest.mark.parametrize("name", CODONS)
def test_on_codons_layers_commute_with_sliding_and_with_the_other_strand(name: str, codons: int) -> None:
    """Bit for bit in integers, on what lies within zeros as wide as the kernel; 1e-5 at real weights."""
    strands = GROUPS[name].readings // 3
    reach = 3 * codons
    generator = torch.Generator().manual_seed(4)
    for exact in (True, False):
        torch.manual_seed(2)
        layer = EquivariantLayer(3, 2, name, codons=codons).requires_grad_(False)
        nn.init.uniform_(layer.bias)
        if exact:
            with_integers(layer, 2)
        x = torch.zeros(2, 3 * strands, 40)
        x[:, :, reach:-reach] = torch.randint(-4, 5, (2, 3 * strands, 40 - 2 * reach), generator=generator).float()
        y = layer(x)
        limit = 0.0 if exact else 1e-5
        for slide in (1, 2, 5):
            difference = layer(x.roll(slide, 2))[:, :, slide:] - y[:, :, :-slide]
            assert float(difference[:, :, reach : -reach - 1].abs().max()) <= limit
        if strands == 2:
            assert float((layer(reverse_complement(x)) - reverse_complement(y)).abs().max()) <= limit
        assert float(y.abs().max()) > 0.1


def test_a_pattern_at_equal_codon_numbers_does_not_commute_with_sliding() -> None:
    """The first codon of frame 0 becomes one of frame 2: the matrix pattern needs the twisted form."""
    layer = with_integers(EquivariantLayer(3, 2, "C3"), 5).requires_grad_(False)
    assert isinstance(layer, EquivariantLayer)
    x = torch.randint(-4, 5, (1, 3, 30), generator=torch.Generator().manual_seed(1)).float()

    def at_equal_codons(starts: Tensor) -> Tensor:
        frames = frames_from_starts(starts).permute(1, 3, 0, 2).flatten(0, 1)  # (N codons, frames, channels)
        return starts_from_frames(layer(frames).unflatten(0, (1, -1)).permute(2, 0, 3, 1))

    wrong = (at_equal_codons(x[:, :, 1:])[:, :, :26] - at_equal_codons(x)[:, :, 1:27]).abs().max()
    assert float(wrong) > 1
    twisted = EquivariantLayer(3, 2, "C3", codons=1).requires_grad_(False)
    with torch.no_grad():
        twisted.weight.copy_(layer.weight[..., None])
        twisted.bias.copy_(layer.bias)
    right = (twisted(x[:, :, 1:])[:, :, 1:26] - twisted(x)[:, :, 2:27]).abs().max()
    assert float(right) == 0
    # the same three matrices: frame f + 1 is the letter after, frame f - 1 the letter before
    i = 10
    expected = sum(layer.weight[k] @ x[0, :, i + step] for k, step in ((0, 0), (1, 1), (2, -1))) + layer.bias
    assert torch.equal(twisted(x)[0, :, i], expected)


@pytest.mark.parametrize("codons", [1, 3])
def test_six_frames_on_codons_are_a_convolution_of_letters_with_shared_parameters(codons: int) -> None:
    layer = with_integers(EquivariantLayer(3, 2, "D3", codons=codons), 3)
    assert isinstance(layer, EquivariantLayer)
    shared = ReverseComplementConv1d(6, 4, 3 * codons, padding=(3 * codons - 1) // 2)
    assert layer.weight.numel() == shared.weight.numel()
    with torch.no_grad():
        shared.weight.copy_(layer.kernel()[:2])
        shared.bias.copy_(layer.bias)
    x = torch.randint(-4, 5, (2, 6, 25), generator=torch.Generator().manual_seed(1)).float()
    assert torch.equal(layer(x), shared(x))


def test_codons_past_a_length_do_not_count() -> None:
    layer = with_integers(EquivariantLayer(2, 2, "D3", codons=1), 3)
    x = torch.randint(-4, 5, (2, 4, 12), generator=torch.Generator().manual_seed(1)).float()
    lengths = torch.tensor([12, 7])
    junk = torch.where(torch.arange(12) < lengths[:, None, None], x, torch.nan)
    output, same = layer(junk, lengths)
    assert torch.equal(same, lengths)
    assert torch.equal(output[1, :, :7], layer(x[1:, :, :7])[0])


@pytest.mark.parametrize("codons", [None, 3])
def test_compiles_and_exports(codons: int | None) -> None:
    layer = EquivariantLayer(4, 3, "D3", codons=codons)
    x = torch.randn(2, 6, 4) if codons is None else torch.randn(2, 8, 20)
    torch.compiler.reset()
    torch.testing.assert_close(torch.compile(layer, backend="aot_eager", fullgraph=True)(x), layer(x))
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x), layer(x))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(UsageError, match=r"no group is called 'C6', expected one of: C2, C3, S3, D3"):
        EquivariantLayer(2, 2, "C6")
    with pytest.raises(UsageError, match="codons is 2, expected an odd number"):
        EquivariantLayer(2, 2, "C3", codons=2)
    with pytest.raises(UsageError, match="the group slide has no form on codons"):
        EquivariantLayer(2, 2, "slide", codons=1)
    with pytest.raises(UsageError, match=r"shape \(2, 3, 4\), expected \(N, 6, channels\)"):
        EquivariantLayer(4, 2, "D3")(torch.zeros(2, 3, 4))
