"""Both strands give one answer: post-hoc, and by sharing parameters, in every layer, at the lengths that allow it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.frame_layers import EquivariantLayer
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.nn.strand_layers import (
    OnEachStrand,
    ReverseComplementConv1d,
    StrandPool,
    join_strands,
    split_strands,
    strand_readings,
)
from seqpool.nn.strands import StrandSymmetrized, reverse_complement
from seqpool.options.pooling import LOCAL_NAMES
from seqpool.pooling import GlobalMaxPool1d, MaxPool1d, local_pool
from seqpool.pooling.geometry import commutes_with_reversal
from tests.nn.letter_batches import Pooled, codon_stack, one_hot, other_strand, some_letters, with_integers

BUDGET = settings(max_examples=60, deadline=None)


def features(channels: int, length: int, seed: int = 0, rows: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, (rows, channels, length), generator=generator).float()


@BUDGET
@given(st.lists(st.text("ACGT", max_size=12), min_size=1, max_size=4))
def test_reverse_complement_of_letters(sequences: list[str]) -> None:
    x, lengths = one_hot(*sequences)
    expected, _ = one_hot(*map(other_strand, sequences))
    assert torch.equal(reverse_complement(x, lengths), torch.nan_to_num(expected))


# Post-hoc


@pytest.mark.parametrize("reduce", ["max", "average", "log_mean_exp"])
def test_a_network_on_both_strands_gives_the_same_bits_for_either(reduce: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv1d(4, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 3))
    network = StrandSymmetrized(with_integers(net, 1), reduce)
    sequences = [some_letters(23, seed) for seed in range(8)]
    x, other = one_hot(*sequences)[0], one_hot(*map(other_strand, sequences))[0]
    assert not torch.equal(net(x), net(other))
    assert torch.equal(network(x), network(other))


def test_rows_of_different_lengths() -> None:
    network = StrandSymmetrized(Pooled(codon_stack(2, seed=3), GlobalMaxPool1d()), "average")
    sequences = [some_letters(length, length) for length in (30, 7, 18)]
    together = network(*one_hot(*sequences))
    assert torch.equal(network(*one_hot(*map(other_strand, sequences))), together)
    for row, sequence in enumerate(sequences):
        assert torch.equal(network(one_hot(sequence)[0])[0], together[row])


def test_the_maximum_over_strands_is_that_of_twice_the_filters() -> None:
    convolution = with_integers(nn.Conv1d(4, 3, 5, bias=False), 2)
    net = nn.Sequential(convolution, nn.AdaptiveMaxPool1d(1), nn.Flatten())
    x = one_hot(some_letters(30, 3))[0]
    weight = convolution.weight
    scores = nn.functional.conv1d(x, torch.cat([weight, weight.flip(1, 2)])).amax(2)
    assert torch.equal(StrandSymmetrized(net)(x), torch.maximum(scores[:, :3], scores[:, 3:]))


# Shared parameters


@BUDGET
@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 30),
    st.booleans(),
    st.integers(0, 99),
)
def test_a_convolution_commutes_exactly_where_it_says(
    kernel: int, stride: int, padding: int, dilation: int, length: int, letters: bool, seed: int
) -> None:
    """Iff (L + 2 p - Ke) mod s = 0; elsewhere it refuses, and rightly."""
    layer = ReverseComplementConv1d(4 if letters else 6, 4, kernel, stride, padding, dilation)
    with_integers(layer, seed)
    x = features(4 if letters else 6, length, seed)
    span = length + 2 * padding - dilation * (kernel - 1) - 1
    assume(span >= 0)
    assert commutes_with_reversal(layer.geometry, length) == (span % stride == 0)
    if span % stride == 0:
        assert torch.equal(layer(reverse_complement(x)), reverse_complement(layer(x)))
        return
    with pytest.raises(UsageError, match=rf"the two ends of {length} positions differently.*multiple of {stride}"):
        layer(x)
    weight = torch.randn(2, x.shape[1], kernel, generator=torch.Generator().manual_seed(seed))
    weight = torch.cat([weight, weight.flip(0, 1, 2)])

    def unchecked(x: Tensor) -> Tensor:
        return nn.functional.conv1d(x, weight, None, stride, padding, dilation)

    if kernel > 1 or padding == 0:  # one letter beside zeros alone may look the same from both ends
        generic = torch.randn(4, x.shape[1], length, generator=torch.Generator().manual_seed(seed))
        difference = unchecked(reverse_complement(generic)) - reverse_complement(unchecked(generic))
        assert float(difference.abs().max()) > 1e-3


def test_which_length_fits_is_said_right() -> None:
    layer = ReverseComplementConv1d(4, 2, 5, stride=3)
    with pytest.raises(UsageError, match="expected a length of 2 more than a multiple of 3"):
        layer(features(4, 40))
    for length in (8, 11, 41):
        layer(features(4, length))
    with pytest.raises(UsageError, match="the two ends of 40 positions"):
        layer(features(4, 41), torch.tensor([41, 40]))


@pytest.mark.parametrize("length", [40, 43])
def test_a_stack_of_all_layers_commutes(length: int) -> None:
    """conv5, norm, ReLU, max 3/3, conv3: at lengths of 1 more than a multiple of 3; in training and in evaluation."""
    torch.manual_seed(0)
    stack = nn.Sequential(
        ReverseComplementConv1d(4, 8, 5),
        OnEachStrand(MaskedBatchNorm1d(4)),
        nn.ReLU(),
        OnEachStrand(MaxPool1d(3)),
        ReverseComplementConv1d(8, 6, 3),
    ).double()
    x = features(4, length, rows=6).double()
    optimizer = torch.optim.SGD(stack.parameters(), lr=0.05)
    for training in (True, False):
        stack.train(training)
        output = stack(x)
        torch.testing.assert_close(stack(reverse_complement(x)), reverse_complement(output), atol=1e-12, rtol=0)
        if training:
            output.square().mean().backward()
            optimizer.step()
    for wrong in (41, 42, 44, 45):
        with pytest.raises(UsageError, match=r"MaxPool1d\(3\) treats the two ends of \d+ positions differently"):
            stack(features(4, wrong).double())


def test_normalisation_is_the_same_for_a_channel_and_its_pair() -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 6, 9, dtype=torch.float64)
    tied, untied = OnEachStrand(MaskedBatchNorm1d(3)).double(), MaskedBatchNorm1d(6).double()
    for norm in (tied.layer, untied):
        nn.init.uniform_(norm.weight, 0.5, 2.0)
        nn.init.uniform_(norm.bias, -1.0, 1.0)
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    for layer, commutes in ((tied, True), (untied, False)):
        for training in (False, True):
            layer.train(training)
            difference = (layer(reverse_complement(x)) - reverse_complement(layer(x))).detach().abs().max()
            assert bool(difference < 1e-12) == commutes


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_every_pool_commutes_where_its_windows_lie_alike(name: str) -> None:
    torch.manual_seed(0)
    pool = local_pool(name, 3, 2, 4).double().eval()
    layer = OnEachStrand(pool)
    for length in (10, 11, 12, 13):
        x = torch.randn(2, 8, length, dtype=torch.float64)
        if commutes_with_reversal(pool.geometry, length):
            output, other = layer(x), layer(reverse_complement(x))
            torch.testing.assert_close(other, reverse_complement(output), atol=1e-12, rtol=0)
        else:
            with pytest.raises(UsageError, match=f"the two ends of {length} positions"):
                layer(x)


def test_rows_of_different_lengths_in_shared_layers() -> None:
    layers = [
        with_integers(ReverseComplementConv1d(4, 6, 3, padding=1), 1),
        OnEachStrand(MaskedBatchNorm1d(3)).eval(),
        OnEachStrand(MaxPool1d(3)),
    ]
    lengths = torch.tensor([12, 6, 9])
    x = torch.where(torch.arange(12) < lengths[:, None, None], features(4, 12, rows=3), torch.nan)
    turned = reverse_complement(x, lengths)

    def run(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        for layer in layers:
            x, lengths = layer(x, lengths)
        return x, lengths

    output, left = run(x, lengths)
    other, _ = run(turned, lengths)
    assert left.tolist() == [4, 2, 3]
    assert torch.equal(reverse_complement(other, left), output)
    for row, length in enumerate(lengths.tolist()):
        alone, _ = run(x[row : row + 1, :, :length], lengths[row : row + 1])
        assert torch.equal(alone[0], output[row, :, : left[row]])


def test_splitting_and_joining_are_inverse() -> None:
    x, lengths = features(6, 9, rows=3), torch.tensor([9, 4, 0])
    assert torch.equal(join_strands(split_strands(x)), x)
    zeroed = torch.where(torch.arange(9) < lengths[:, None, None], x, 0.0)
    assert torch.equal(join_strands(split_strands(x, lengths), lengths), zeroed)


@pytest.mark.parametrize("reduce", ["max", "average"])
def test_a_whole_network_of_shared_parameters_is_invariant(reduce: str) -> None:
    """Convolution, global maximum, a layer that commutes with exchanging the strands, the pool over strands."""

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = ReverseComplementConv1d(4, 12, 7)
            self.mix = EquivariantLayer(6, 5, "C2")
            self.pool = StrandPool(reduce)

        def forward(self, x: Tensor) -> Tensor:
            strands = torch.relu(self.mix(strand_readings(self.convolution(x).amax(2))))
            return self.pool(torch.cat([strands[:, 0], strands[:, 1].flip(1)], dim=1))

    network = with_integers(Network(), 4)
    sequences = [some_letters(31, seed) for seed in range(6)]
    x, other = one_hot(*sequences)[0], one_hot(*map(other_strand, sequences))[0]
    assert torch.equal(network(x), network(other))
    assert len(set(network(x)[:, 0].tolist())) > 1


def test_compiles_and_exports() -> None:
    stack = nn.Sequential(ReverseComplementConv1d(4, 6, 3, padding=1), OnEachStrand(MaxPool1d(3)))
    network = StrandSymmetrized(nn.Sequential(nn.Conv1d(4, 3, 3), nn.AdaptiveMaxPool1d(1), nn.Flatten()))
    x = features(4, 12)
    torch.compiler.reset()
    for module in (stack, network):
        torch.testing.assert_close(torch.compile(module, backend="aot_eager", fullgraph=True)(x), module(x))
        torch.testing.assert_close(torch.export.export(module, (x,)).module()(x), module(x))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(UsageError, match="out_channels is 5, expected an even number"):
        ReverseComplementConv1d(4, 5, 3)
    with pytest.raises(UsageError, match="the input has 5 channels, expected an even number"):
        OnEachStrand(nn.ReLU())(features(5, 4))
    with pytest.raises(UsageError, match=r"expected \(N, C\) with C even"):
        StrandPool()(features(4, 5))
