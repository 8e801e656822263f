"""The fused engine against one-hot, conv1d and max in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv1d

from seqpool.alphabet import ALPHABETS
from seqpool.nn.motif_maximum import motif_maximum, motif_maximum_and_average


def channel_table(name: str) -> Tensor:
    """(symbols + 1, letters): the alphabet's distributions, then a blank of zeros."""
    alphabet = ALPHABETS[name]
    table = torch.zeros(len(alphabet.symbols) + 1, len(alphabet.letters))
    table[:-1] = torch.from_numpy(alphabet.distributions[: len(alphabet.symbols)])
    return table


def scores_by_torch(codes: Tensor, weight: Tensor, lengths: Tensor, table: Tensor) -> Tensor:
    """(N, C, windows) float64, minus infinity past each length."""
    scores = conv1d(table.double()[codes.long()].transpose(1, 2), weight.double())
    past = torch.arange(scores.shape[2]) + weight.shape[2] > lengths[:, None]
    return scores.masked_fill(past[:, None], -torch.inf)


def by_torch(
    codes: Tensor, weight: Tensor, lengths: Tensor, table: Tensor, strands: str, bias: Tensor
) -> tuple[Tensor, Tensor]:
    strand_scores = [scores_by_torch(codes, weight, lengths, table)]
    if strands != "forward":
        strand_scores.append(scores_by_torch(codes, weight.flip(1, 2), lengths, table))
    above = torch.stack([torch.relu(scores + bias.double()[:, None]).sum(2) for scores in strand_scores]).mean(0)
    average = above / (lengths - weight.shape[2] + 1)[:, None]
    maxima = [scores.max(dim=2).values for scores in strand_scores]
    if strands == "both":
        return torch.where(maxima[1] > maxima[0], maxima[1], maxima[0]), average
    return torch.cat(maxima, dim=1), average


def case(
    name: str, sequences: int, filters: int, width: int, extra: int, special: float, seed: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Random codes (a share of them no plain letters), weight, lengths, table and bias."""
    generator = torch.Generator().manual_seed(seed)
    table = channel_table(name)
    letters = table.shape[1]
    length = width + extra
    codes = torch.randint(letters, (sequences, length), generator=generator)
    other = torch.randint(letters, len(table), (sequences, length), generator=generator)
    codes = torch.where(torch.rand(sequences, length, generator=generator) < special, other, codes).to(torch.uint8)
    lengths = torch.randint(width, length + 1, (sequences,), generator=generator)
    weight = torch.randn(filters, letters, width, generator=generator)
    return codes, weight, lengths, table, torch.randn(filters, generator=generator)


def compare(name: str, strands: str, data: tuple[Tensor, Tensor, Tensor, Tensor, Tensor]) -> None:
    codes, weight, lengths, table, bias = data
    scale = 1e-5 * weight.shape[2] ** 0.5
    leaves = [tensor.clone().requires_grad_() for tensor in (weight, bias, weight, bias, weight)]
    fused_maximum, fused_average = motif_maximum_and_average(
        codes, leaves[0], leaves[1], lengths, table=table, strands=strands
    )
    torch_maximum, torch_average = by_torch(codes, leaves[2], lengths, table, strands, leaves[3])
    alone = motif_maximum(codes, leaves[4], lengths, table=table, strands=strands)
    torch.testing.assert_close(fused_maximum.double(), torch_maximum, atol=scale, rtol=0)
    torch.testing.assert_close(fused_average.double(), torch_average, atol=scale, rtol=0)
    torch.testing.assert_close(alone.double(), torch_maximum, atol=scale, rtol=0)
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(t.shape, generator=generator) for t in (fused_maximum, fused_average)]
    torch.autograd.backward([fused_maximum, fused_average], gradients)
    torch.autograd.backward([torch_maximum, torch_average], [gradient.double() for gradient in gradients])
    alone.backward(gradients[0])
    only_maximum = weight.clone().requires_grad_()
    by_torch(codes, only_maximum, lengths, table, strands, bias)[0].backward(gradients[0].double())
    torch.testing.assert_close(leaves[0].grad, leaves[2].grad, atol=2e-4, rtol=1e-5)
    torch.testing.assert_close(leaves[1].grad, leaves[3].grad, atol=2e-4, rtol=1e-5)
    torch.testing.assert_close(leaves[4].grad, only_maximum.grad, atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize("strands", ["forward", "both", "apart"])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 11, 19, 21, 24, 33, 64])
def test_widths(width: int, strands: str) -> None:
    compare("dna", strands, case("dna", 7, 37, width, 40, 0.0, width))


@pytest.mark.parametrize("strands", ["forward", "both", "apart"])
@pytest.mark.parametrize("special", [0.02, 0.5])
@pytest.mark.parametrize(("name", "width"), [("dna", 11), ("rna", 24), ("protein", 7)])
def test_ambiguity_blanks_and_lengths(name: str, width: int, special: float, strands: str) -> None:
    compare(name, strands, case(name, 33, 65, width, 60, special, 5))


# A kernel is compiled for each number of four-letter words in a filter; these are a few such numbers.
WIDTHS = [width for width in range(1, 65) if -(-width // 4) in (1, 2, 3, 6, 16)]


@given(
    name=st.sampled_from(["dna", "rna", "protein"]),
    strands=st.sampled_from(["forward", "both", "apart"]),
    sequences=st.integers(1, 40),
    filters=st.integers(1, 70),
    width=st.sampled_from(WIDTHS),
    extra=st.integers(0, 50),
    special=st.sampled_from([0.0, 0.05, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_any_shape(
    name: str, strands: str, sequences: int, filters: int, width: int, extra: int, special: float, seed: int
) -> None:
    if name == "protein":
        width = min(width, 12)
    compare(name, strands, case(name, sequences, filters, width, extra, special, seed))


def test_equal_windows_give_the_gradient_to_the_first() -> None:
    """Integer weights on a repeat: every maximum is attained many times, and torch.max takes the first too."""
    codes = torch.tensor([[0, 1, 2, 3] * 20] * 3, dtype=torch.uint8)
    table = channel_table("dna")
    lengths = torch.tensor([80, 41, 7])
    generator = torch.Generator().manual_seed(0)
    weight = torch.randint(-2, 3, (40, 4, 6), generator=generator).float()
    weight[3] = 0
    weight[5] = torch.tensor([0.5, 0.25, 1.0, 2.0, -1.0, 3.0])  # every window scores the same
    weight[7, 3] = weight[7, 0].flip(0)
    for strands in ("forward", "both", "apart"):
        compare("dna", strands, (codes, weight, lengths, table, torch.zeros(40)))


def test_palindrome_takes_the_forward_strand() -> None:
    """A filter equal to its own reverse complement scores both strands alike: one of them gets all of the gradient."""
    weight = torch.tensor([[[1.0, 0], [0, 0], [0, 0], [0, 1.0]]], requires_grad=True)  # AT
    codes = torch.tensor([[2, 0, 3, 1]], dtype=torch.uint8)
    motif_maximum(codes, weight, table=torch.eye(4), strands="both").sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [[[1, 0], [0, 0], [0, 0], [0, 1]]]


@pytest.mark.parametrize("strands", ["forward", "both", "apart"])
def test_filters_that_diverged_score_nan(strands: str) -> None:
    """As in torch, where NaN times zero is NaN; the other filters keep their scores."""
    codes, weight, lengths, table, _ = case("dna", 9, 70, 10, 30, 0.1, 3)
    expected = motif_maximum(codes, weight, lengths, table=table, strands=strands)
    weight[3, 2, 4], weight[66, 0, 0] = torch.nan, torch.inf
    scores = motif_maximum(codes, weight, lengths, table=table, strands=strands)
    expected.view(9, -1, 70)[:, :, [3, 66]] = torch.nan
    assert torch.equal(scores.isnan(), expected.isnan())
    assert torch.equal(scores.nan_to_num(), expected.nan_to_num())


def test_one_long_sequence() -> None:
    """More windows than are sifted at once, the best of some filters planted in the last of them."""
    generator = torch.Generator().manual_seed(2)
    codes = torch.randint(4, (1, 9001), generator=generator, dtype=torch.uint8)
    weight = torch.randn(66, 4, 11, generator=generator)
    codes[0, -11:] = weight[1].argmax(0)
    codes[0, 2045:2056] = weight[2].argmax(0)
    compare("dna", "both", (codes, weight, torch.tensor([9001]), channel_table("dna"), torch.zeros(66)))


def test_letters_past_the_length_do_not_matter() -> None:
    codes, weight, lengths, table, _ = case("dna", 9, 16, 10, 30, 0.1, 3)
    changed = torch.where(torch.arange(codes.shape[1]) < lengths[:, None], codes, 255).to(torch.uint8)
    expected = motif_maximum(codes, weight, lengths, table=table, strands="both")
    assert torch.equal(motif_maximum(changed, weight, lengths, table=table, strands="both"), expected)


@pytest.mark.parametrize("strands", ["forward", "both"])
def test_same_bytes_for_any_number_of_threads(strands: str) -> None:
    codes, weight, lengths, table, bias = case("dna", 200, 130, 19, 80, 0.02, 4)
    results = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            leaf, offset = weight.clone().requires_grad_(), bias.clone().requires_grad_()
            maximum, average = motif_maximum_and_average(codes, leaf, offset, lengths, table=table, strands=strands)
            (maximum.square().sum() + average.square().sum()).backward()
            results.append([maximum.detach(), average.detach(), leaf.grad, offset.grad])
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_without_gradient_and_without_sequences() -> None:
    codes, weight, lengths, table, _ = case("dna", 5, 8, 6, 20, 0.0, 6)
    expected = motif_maximum(codes, weight.clone().requires_grad_(), lengths, table=table)
    with torch.no_grad():
        assert torch.equal(motif_maximum(codes, weight, lengths, table=table), expected)
    leaf = weight.clone().requires_grad_()
    empty = motif_maximum(codes[:0], leaf, table=table, strands="apart")
    assert empty.shape == (0, 16)
    empty.sum().backward()
    assert leaf.grad is not None
    assert not leaf.grad.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": torch.zeros(2, 9)}, "codes are"),
        ({"weight": torch.zeros(4, 4)}, "weight is"),
        ({"table": torch.zeros(4, 5)}, "table is"),
        ({"lengths": torch.tensor([9])}, "one per sequence"),
        ({"lengths": torch.tensor([9, 4])}, "from 4 to 9, expected 5"),
        ({"lengths": torch.tensor([9, 10])}, "from 9 to 10, expected 5"),
        ({"codes": torch.full((2, 9), 4, dtype=torch.uint8)}, "code 4 has no row"),
    ],
)
def test_wrong_input_is_named(change: dict[str, Tensor], message: str) -> None:
    arguments = {
        "codes": torch.zeros(2, 9, dtype=torch.uint8),
        "weight": torch.zeros(3, 4, 5),
        "lengths": torch.tensor([9, 9]),
        "table": torch.eye(4),
    } | change
    table = arguments.pop("table")
    with pytest.raises(ValueError, match=message):
        motif_maximum(**arguments, table=table)
