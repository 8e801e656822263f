"""What pooling over reading frames guarantees: every statement of docs/frames.md, with its conditions.

Weights are integers, so values must agree in every bit. Unconditional invariance is not tested: if F(x) = F(x[1:]) held
for every x, F would be the same for all sequences.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.convolution import SameConv1d
from seqpool.nn.frames import FrameSymmetrized, stacked_frames
from seqpool.nn.group_pool import GroupPool
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.nn.valid_stack import ValidStack
from seqpool.pooling import GlobalAvgPool1d, GlobalMaxPool1d, GlobalSumPool1d
from tests.nn.letter_batches import (
    Pooled,
    codon_stack,
    one_hot,
    other_strand,
    some_letters,
    window_scores,
    with_integers,
)

BUDGET = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 10_000)


def letters_from(least: int) -> st.SearchStrategy[str]:
    return st.text("ACGT", min_size=least, max_size=40)


WIDTH = 2
K = 3 * WIDTH
"""Letters of a window."""


def value_of(network: FrameSymmetrized, sequence: str) -> list[float]:
    found: list[float] = network(*one_hot(sequence))[0].tolist()
    return found


# Frames, strands, and where codons lie


@BUDGET
@given(st.lists(letters_from(1), min_size=1, max_size=4))
def test_a_frame_is_its_letters_in_whole_codons(sequences: list[str]) -> None:
    x, lengths = one_hot(*sequences)
    frames, sizes = stacked_frames(x, lengths)
    for place, (frame, row) in enumerate((f, r) for f in range(3) for r in range(len(sequences))):
        sequence = sequences[row][frame:]
        sequence = sequence[: len(sequence) // 3 * 3]
        assert sizes[place] == len(sequence)
        if sequence:
            assert torch.equal(frames[place, :, : len(sequence)], one_hot(sequence)[0][0])


@BUDGET
@given(letters_from(8), st.integers(0, 5))
def test_a1_trimming_moves_frames(sequence: str, cut: int) -> None:
    """Frame f of x[t:] is frame (f + t) mod 3 of x without its first floor((f + t) / 3) codons."""
    before, sizes = stacked_frames(*one_hot(sequence))
    after, new_sizes = stacked_frames(*one_hot(sequence[cut:]))
    for frame in range(3):
        lost, source = divmod(frame + cut, 3)
        left = int(sizes[source]) - 3 * lost
        assert new_sizes[frame] == max(left, 0)
        assert torch.equal(after[frame, :, : max(left, 0)], before[source, :, 3 * lost : 3 * lost + max(left, 0)])


@pytest.mark.parametrize(("remainder", "phases"), [(0, [0, 2, 1]), (1, [1, 0, 2]), (2, [2, 1, 0])])
def test_a3_phases_of_the_reverse_frames_on_the_forward_strand(remainder: int, phases: list[int]) -> None:
    """Codons of (-, f) start at phase (L - f) mod 3 of the forward strand."""
    length = 30 + remainder
    sequence = some_letters(length, seed=remainder)
    frames, _ = stacked_frames(*one_hot(other_strand(sequence)))
    for frame, phase in enumerate(phases):
        codon = "".join("ACGT"[letter] for letter in frames[frame, :, :3].argmax(0).tolist())
        start = length - frame - 3
        assert sequence[start : start + 3] == other_strand(codon)
        assert start % 3 == phase == (length - frame) % 3


# Trimming and lengthening: the maximum


@BUDGET
@given(letters_from(K + 2), st.integers(1, 2), SEEDS)
def test_a1_the_maximum_survives_trimming_unless_it_stood_in_what_was_cut(sequence: str, cut: int, seed: int) -> None:
    stack = codon_stack(WIDTH, seed=seed)
    scores = window_scores(stack, sequence)
    for network in (FrameSymmetrized(stack), FrameSymmetrized(Pooled(stack, GlobalMaxPool1d()), shortest=K)):
        whole, trimmed = value_of(network, sequence), value_of(network, sequence[cut:])
        assert whole == scores.max(0).tolist()
        for output in range(2):
            survives = scores[cut:, output].max() == scores[:, output].max()
            assert (trimmed[output] == whole[output]) == survives
            assert trimmed[output] <= whole[output]


def test_a1_how_often_trimming_leaves_the_maximum() -> None:
    """About 1.5 windows of the L - K + 1 are lost on average over t = 1, 2."""
    stack = codon_stack(3, outputs=16, seed=1)
    with torch.no_grad():  # real weights: maxima without ties
        for parameter in stack.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    network = FrameSymmetrized(stack)
    x = one_hot(*[some_letters(60, seed) for seed in range(200)])[0]
    same = [float((network(x[:, :, cut:]) == network(x)).double().mean()) for cut in (1, 2)]
    assert np.mean(same) == pytest.approx(1 - 1.5 / (60 - 9 + 1), abs=0.008)


@BUDGET
@given(letters_from(K), st.text("ACGT", min_size=1, max_size=7), SEEDS)
def test_a2_lengthening_raises_the_maximum_only_by_windows_that_start_in_it(
    sequence: str, before: str, seed: int
) -> None:
    stack = codon_stack(WIDTH, seed=seed)
    network = FrameSymmetrized(stack)
    new = window_scores(stack, before + sequence)[: len(before)]
    shorter, longer = value_of(network, sequence), value_of(network, before + sequence)
    assert longer == np.maximum(shorter, new.max(0)).tolist()


class WithoutUnknown(nn.Module):
    """Windows that touch a position without a letter score `fill`; a last channel counts the others."""

    def __init__(self, stack: ValidStack, fill: float) -> None:
        super().__init__()
        self.stack = stack
        self.fill = fill

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        scores, counts = self.stack(x, lengths)
        letters = x.sum(1).unfold(1, int(self.stack.geometry.receptive_field), 3).sum(2)
        known = (letters == self.stack.geometry.receptive_field)[:, None, : scores.shape[2]]
        return torch.cat([torch.where(known, scores, self.fill), known.float()], dim=1), counts


@BUDGET
@given(letters_from(K + 2), st.integers(0, 4), st.integers(0, 4), SEEDS)
def test_a2_unknown_letters_around_a_sequence_change_nothing(sequence: str, before: int, after: int, seed: int) -> None:
    """Without any condition: frame values permute by |p| mod 3, maximum, sum and count stay."""
    x, _ = one_hot(sequence)
    padded = nn.functional.pad(x, (before, after))
    for fill, pool in ((-math.inf, GlobalMaxPool1d()), (0.0, GlobalSumPool1d())):
        layer = WithoutUnknown(codon_stack(WIDTH, seed=seed), fill)
        whole = FrameSymmetrized(layer, reduce=pool)
        assert torch.equal(whole(padded), whole(x))
        frames = FrameSymmetrized(Pooled(layer, pool), shortest=K)
        moved = frames.readings(padded).values[..., 0]
        assert torch.equal(moved.roll(-(before % 3), dims=2), frames.readings(x).values[..., 0])


@BUDGET
@given(st.integers(4, 12), st.integers(0, 5), SEEDS)
def test_a1c_on_a_circle_of_whole_codons_frames_permute(codons: int, turn: int, seed: int) -> None:
    circle = some_letters(3 * codons, seed)
    turned = circle[turn:] + circle[:turn]
    for pool, reduce in ((GlobalMaxPool1d(), "max"), (GlobalSumPool1d(), "sum")):
        network = FrameSymmetrized(Pooled(codon_stack(WIDTH, seed=seed), pool), reduce=reduce, shortest=K)
        # every window of the circle once: the first K - 1 letters again at the end
        one, other = (network.readings(*one_hot(s + s[: K - 1])).values[..., 0] for s in (circle, turned))
        assert torch.equal(other, one.roll(-(turn % 3), dims=2))
        assert value_of(network, circle + circle[: K - 1]) == value_of(network, turned + turned[: K - 1])


# Trimming: the mean


@BUDGET
@given(letters_from(K + 5), st.integers(1, 2), SEEDS)
def test_a1m_the_mean_moves_no_further_than_its_bound(sequence: str, cut: int, seed: int) -> None:
    stack = codon_stack(WIDTH, seed=seed).double()
    scores = window_scores(stack, sequence)
    spread = scores.max(0) - scores.min(0)
    counts = [len(scores[frame::3]) for frame in range(3)]

    def change(network: FrameSymmetrized) -> np.ndarray:
        x, lengths = one_hot(sequence)
        return (network(x[:, :, cut:].double(), lengths - cut) - network(x.double(), lengths))[0].abs().detach().numpy()

    by_frame = FrameSymmetrized(Pooled(stack, GlobalAvgPool1d()), reduce="average", shortest=K)
    assert (change(by_frame) <= spread / 3 * sum(1 / counts[f] for f in range(cut)) + 1e-9).all()
    by_window = FrameSymmetrized(stack, reduce="average")
    assert (change(by_window) <= cut * spread / len(scores) + 1e-9).all()
    np.testing.assert_allclose(by_window(one_hot(sequence)[0].double())[0].detach(), scores.mean(0), rtol=1e-12)


def test_a1m_the_bound_is_reached() -> None:
    stack = ValidStack(nn.Conv1d(4, 1, 3, stride=3), nn.ReLU())
    with torch.no_grad():  # 1 for the codon AAA, 0 for all others
        stack[0].weight.zero_()
        stack[0].weight[0, 0] = 1.0
        stack[0].bias.fill_(-2.0)
    network = FrameSymmetrized(Pooled(stack, GlobalAvgPool1d()), reduce="average")
    sequence = "AAA" + 17 * "C"
    assert value_of(network, sequence)[0] - value_of(network, sequence[1:])[0] == pytest.approx(1 / 3 / 6)


# Edges, and what breaks the guarantees


@BUDGET
@given(st.integers(24, 45), st.integers(1, 2), SEEDS)
def test_a4_only_outputs_that_see_an_end_change(length: int, cut: int, seed: int) -> None:
    """With zero padding too: outputs whose receptive field holds no codon that was lost stay what they were."""
    sequence = some_letters(length, seed)
    layers = [SameConv1d(4, 3, 3, stride=3), SameConv1d(3, 3, 3), SameConv1d(3, 2, 3)]
    for i, layer in enumerate(layers):
        with_integers(layer, seed + i)

    def maps(letters: Tensor) -> Tensor:
        # the stem's padding is one letter: taken off, so that its windows are the codons
        x = nn.functional.conv1d(letters, layers[0].weight, layers[0].bias, stride=3)
        for layer in layers[1:]:
            x = layer(torch.relu(x))
        return x[0]

    x = one_hot(sequence)[0]
    for frame in range(3):
        lost, source = divmod(frame + cut, 3)
        before = maps(x[:, :, source:])[:, lost:]
        after = maps(x[:, :, cut + frame :])
        assert lost <= 1
        assert before.shape == after.shape
        reach = 2 if lost else 0  # one codon a layer
        assert torch.equal(before[:, reach:], after[:, reach:])


def broken_share(network: FrameSymmetrized, cases: int = 60) -> tuple[float, bool]:
    """Share of sequences for which losing a whole codon changes the value, and whether it ever rises."""
    changed, raised = 0, False
    for seed in range(cases):
        sequence = some_letters(40, seed)
        whole, trimmed = (torch.tensor(value_of(network, s)) for s in (sequence, sequence[3:]))
        changed += bool((whole != trimmed).any())
        raised |= bool((trimmed > whole).any())
    return changed / cases, raised


class PooledInside(nn.Module):
    """Windows over pairs of codons: a stride inside the network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, 5, 3, stride=3)
        self.top = nn.Conv1d(5, 2, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        pairs = nn.functional.max_pool1d(torch.relu(self.stem(x)), 2)
        counts = torch.div(lengths, 6, rounding_mode="floor") - 1
        return GlobalMaxPool1d()(self.top(pairs), counts.clamp(min=0))


class Padded(nn.Module):
    """Windows that see zeros beyond the ends."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, 5, 3, stride=3)
        self.top = SameConv1d(5, 2, 3)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        counts = torch.div(lengths, 3, rounding_mode="floor")
        maps, counts = self.top(torch.relu(self.stem(x)), counts)  # type: ignore[misc]
        return GlobalMaxPool1d()(maps, counts)


def test_a1x_what_breaks_invariance() -> None:
    sound = broken_share(FrameSymmetrized(codon_stack(WIDTH, seed=3)))
    inside = broken_share(FrameSymmetrized(with_integers(PooledInside(), 3), shortest=9))
    padded = [broken_share(FrameSymmetrized(with_integers(Padded(), seed)), 15)[1] for seed in range(8)]
    assert not sound[1]
    assert inside[0] > 0.5 > sound[0]
    assert inside[1]
    assert any(padded)


# One pass for all frames


SEQUENCES = st.lists(st.text("ACGT", min_size=0, max_size=30), min_size=1, max_size=4)


@BUDGET
@given(SEQUENCES, st.sampled_from([3, 6]), st.sampled_from(["max", "average", "sum", "log_mean_exp"]), SEEDS)
def test_a5_a6_one_pass_equals_separate_passes(sequences: list[str], frames: int, reduce: str, seed: int) -> None:
    """Stacked frames, and the letters convolved once with codon dilation, against a pass for every frame alone."""
    stack = codon_stack(WIDTH, seed=seed)
    x, lengths = one_hot(*sequences)
    stacked, dilated = (
        FrameSymmetrized(stack, frames, reduce, every_letter=every_letter) for every_letter in (False, True)
    )
    for network in (stacked, dilated):
        readings = network.readings(x, lengths)
        for row, sequence in enumerate(sequences):
            strands = [sequence, other_strand(sequence)][: frames // 3]
            assert readings.lengths[row] == max(len(sequence) - K + 1, 0)
            for strand, letters in enumerate(strands):
                alone = readings.values[row, :, : readings.lengths[row], strand]
                assert alone.T.tolist() == window_scores(stack, letters).tolist()
                for frame in range(3):
                    whole = (len(letters) - frame) // 3 * 3
                    if whole >= K:
                        passed = stack(one_hot(letters[frame : frame + whole])[0])
                        assert torch.equal(passed[0], alone[:, frame::3])
    assert torch.equal(stacked(x, lengths), dilated(x, lengths))
    with_gradient = torch.nan_to_num(x).requires_grad_()
    assert torch.equal(stacked(with_gradient, lengths), dilated(x, lengths))


@BUDGET
@given(st.text("ACGT", min_size=K, max_size=30), SEEDS)
def test_a5_one_layer_of_codons_is_a_convolution_of_letters(sequence: str, seed: int) -> None:
    stack = ValidStack(nn.Conv1d(4, 3, K, stride=3))
    with_integers(stack, seed)
    x = one_hot(sequence)[0]
    letters = nn.functional.conv1d(x, stack[0].weight, stack[0].bias).amax(2)
    assert torch.equal(FrameSymmetrized(stack)(x), letters)
    assert torch.equal(FrameSymmetrized(stack, every_letter=True)(x), letters)


def test_a5_a6_in_single_precision() -> None:
    torch.manual_seed(0)
    stack = ValidStack(
        nn.Conv1d(4, 32, 3, stride=3), MaskedBatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 16, 5, dilation=2), nn.ReLU()
    ).eval()
    x, lengths = one_hot(*[some_letters(length, length) for length in (300, 299, 150, 40)])
    one, other = (FrameSymmetrized(stack, 6, every_letter=every)(x, lengths) for every in (False, True))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    for row, length in enumerate(lengths.tolist()):
        alone = FrameSymmetrized(stack, 6)(x[row : row + 1, :, :length])
        torch.testing.assert_close(alone[0], one[row], atol=1e-5, rtol=0)


def test_a6_normalisation_in_training_sees_all_frames_together() -> None:
    """One batch instead of three: this is where one pass and three passes differ, and what is said of it is so."""

    def layers() -> ValidStack:
        stack = ValidStack(nn.Conv1d(4, 3, 3, stride=3), MaskedBatchNorm1d(3), nn.Conv1d(3, 2, 2))
        with_integers(stack, 4)
        return stack.train()

    together, apart = layers(), layers()
    x = one_hot(*[some_letters(31, seed) for seed in range(5)])[0]
    value = FrameSymmetrized(together)(x)
    passes = torch.stack([apart(x[:, :, f : f + (31 - f) // 3 * 3]).amax(2) for f in range(3)]).amax(0)
    assert together[1].num_batches_tracked == 1
    assert apart[1].num_batches_tracked == 3
    assert float((value - passes).abs().max()) > 1e-3
    # at every letter the moments are those of the same codons
    dilated = layers()
    torch.testing.assert_close(FrameSymmetrized(dilated, every_letter=True)(x), value)
    torch.testing.assert_close(dilated[1].running_var, together[1].running_var)


# Strands and winners


@BUDGET
@given(SEQUENCES, st.booleans(), st.sampled_from(["max", "average", "log_mean_exp", "sum"]), SEEDS)
def test_a3_reverse_complementing_swaps_the_strands_at_every_length(
    sequences: list[str], every_letter: bool, reduce: str, seed: int
) -> None:
    network = FrameSymmetrized(codon_stack(WIDTH, seed=seed), 6, reduce, every_letter=every_letter)
    x, lengths = one_hot(*sequences)
    other, _ = one_hot(*map(other_strand, sequences))
    one, two = network.readings(x, lengths), network.readings(other, lengths)
    assert torch.equal(two.values, one.values.flip(3))
    assert torch.equal(network(other, lengths), network(x, lengths))


@BUDGET
@given(st.text("ACGT", min_size=K + 4, max_size=40), st.integers(1, 2), SEEDS)
def test_a8_the_winner_keeps_its_codons(sequence: str, cut: int, seed: int) -> None:
    """Where it is unique and stands past what is cut: frame (f - t) mod 3, and rc flips the strand, not the frame."""
    stack = codon_stack(WIDTH, outputs=1, seed=seed)
    network = FrameSymmetrized(stack, 6)
    scores = [window_scores(stack, one)[:, 0] for one in (sequence, other_strand(sequence))]
    best = max(one.max() for one in scores)
    assume(sum(int((one == best).sum()) for one in scores) == 1)
    strand = int(scores[1].max() == best)
    place = int(scores[strand].argmax())
    found = network.winner(*one_hot(sequence))
    assert [int(part) for part in (found.frame, found.strand, found.position)] == [place % 3, strand, place]
    assert float(found.value) == best
    turned = network.winner(*one_hot(other_strand(sequence)))
    assert [int(part) for part in (turned.frame, turned.strand, turned.position)] == [place % 3, 1 - strand, place]
    longer = network.winner(*one_hot("A" * cut + sequence))
    if float(longer.value) == best and strand == 0:
        assume(window_scores(stack, "A" * cut + sequence)[:cut, 0].max() < best)
        assume(window_scores(stack, other_strand("A" * cut + sequence))[:, 0].max() < best)
        assert int(longer.frame) == (place + cut) % 3
    if strand == 0 and place >= cut:
        trimmed = network.winner(*one_hot(sequence[cut:]))
        assert [int(trimmed.frame), int(trimmed.position)] == [(place - cut) % 3, place - cut]


def test_a_winner_among_frames_that_a_network_pooled_itself() -> None:
    stack = codon_stack(WIDTH, outputs=3, seed=8)
    sequences = [some_letters(30, seed) for seed in range(6)] + ["ACGTA"]
    x, lengths = one_hot(*sequences)
    windows = FrameSymmetrized(stack, 6).winner(x, lengths)
    frames = FrameSymmetrized(Pooled(stack, GlobalMaxPool1d()), 6, shortest=K).winner(x, lengths)
    assert torch.equal(frames.value, windows.value)
    single = torch.tensor([[len({float(v) for v in row}) > 0 for row in windows.value]])
    assert single.all()
    assert frames.frame[-1].tolist() == windows.strand[-1].tolist() == [-1, -1, -1]
    for row, sequence in enumerate(sequences[:-1]):
        for output in range(3):
            strand = [sequence, other_strand(sequence)][int(frames.strand[row, output])]
            scores = window_scores(stack, strand)[int(frames.frame[row, output]) :: 3, output]
            assert scores.max() == float(frames.value[row, output])


# An indel inside


@BUDGET
@given(st.text("ACGT", min_size=2 * K, max_size=40), st.integers(-4, 4).filter(bool), st.integers(0, 40), SEEDS)
def test_a7_an_indel_spares_the_windows_that_do_not_span_it(sequence: str, change: int, place: int, seed: int) -> None:
    """At most K - 1 windows of the shorter and K - 1 + d of the longer sequence span the place of an indel of d."""
    size = abs(change)
    place = min(place, len(sequence) - size)
    longer, shorter = sequence, sequence[:place] + sequence[place + size :]
    assume(len(shorter) >= K)
    stack = codon_stack(WIDTH, seed=seed).double()
    long_scores, short_scores = window_scores(stack, longer), window_scores(stack, shorter)
    head = max(place - K + 1, 0)
    tail = min(max(len(shorter) - place - K + 1, 0), len(short_scores))
    kept = np.concatenate([long_scores[:head], long_scores[len(long_scores) - tail :]])
    assert np.array_equal(kept, np.concatenate([short_scores[:head], short_scores[len(short_scores) - tail :]]))
    lost, new = len(long_scores) - len(kept), len(short_scores) - len(kept)
    assert lost <= K - 1 + size
    assert new <= K - 1

    network = FrameSymmetrized(stack)
    for one in (longer, shorter):
        value = network(one_hot(one)[0].double())[0].detach().numpy()
        assert len(kept) == 0 or (value >= kept.max(0)).all()
    mean = FrameSymmetrized(stack, reduce="average")
    one, two = (mean(one_hot(s)[0].double())[0].detach().numpy() for s in (longer, shorter))
    both = np.concatenate([long_scores, short_scores])
    bound = (both.max(0) - both.min(0)) * (lost / len(long_scores) + new / len(short_scores))
    assert (np.abs(one - two) <= bound + 1e-9).all()


@pytest.mark.parametrize("inserted", ["A", "AC", "ACG"])
def test_a7_two_signals_leave_their_common_frame_unless_whole_codons_are_inserted(inserted: str) -> None:
    """Each is still found somewhere; that both stand in one frame is what an indel breaks."""
    stack = ValidStack(nn.Conv1d(4, 2, 3, stride=3))
    with torch.no_grad():
        stack[0].weight.zero_()
        for output, codon in enumerate(("TGG", "ATG")):
            for i, letter in enumerate(codon):
                stack[0].weight[output, "ACGT".index(letter), i] = 1.0
        stack[0].bias.zero_()
    per_frame = FrameSymmetrized(Pooled(stack, GlobalMaxPool1d()))
    before, after = "CC" + "TGG" + 4 * "CCC", 4 * "CCC" + "ATG" + "CC"

    def found(sequence: str) -> tuple[bool, bool]:
        values = per_frame.readings(*one_hot(sequence)).values[0, :, :, 0]
        return bool((values.amax(1) == 3).all()), bool((values.amin(0) == 3).any())

    assert found(before + after) == (True, True)
    assert found(before + inserted + after) == (True, len(inserted) % 3 == 0)


# Chance, empty frames, order


def test_a9_maxima_and_means_of_noise() -> None:
    noise = torch.randn(200_000, 1, 6, generator=torch.Generator().manual_seed(0))
    three, six, mean = GroupPool("max")(noise[..., :3]), GroupPool("max")(noise), GroupPool("average")(noise[..., :3])
    assert float(three.mean()) == pytest.approx(1.5 / math.sqrt(math.pi), abs=0.006)
    assert float(three.std()) == pytest.approx(0.749, abs=0.006)
    assert float(six.mean()) == pytest.approx(1.268, abs=0.006)
    assert float(six.std()) == pytest.approx(0.645, abs=0.006)
    assert float(mean.std()) == pytest.approx(1 / math.sqrt(3), abs=0.006)

    def separation(reduce: GroupPool, shift: float) -> float:
        live = noise.clone()
        live[..., 0] += shift
        one, other = reduce(live[..., :3]).double(), reduce(noise[..., :3]).double()
        return float((one.mean() - other.mean()) / ((one.var() + other.var()) / 2).sqrt())

    warm = GroupPool({"name": "log_mean_exp", "temperature": 0.5, "learnable": False})
    for shift, expected in ((3.0, (1.73, 2.50, 2.47)), (5.0, (2.89, 4.71, 4.66))):
        found = [separation(pool, shift) for pool in (GroupPool("average"), GroupPool("max"), warm)]
        assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("length", range(K - 2, K + 5))
def test_a10_an_empty_frame_is_left_out_and_never_counts_as_zero(length: int) -> None:
    """Frame f has a window iff L - f >= K, all three iff L >= K + 2."""
    stack = codon_stack(WIDTH, seed=6)
    with torch.no_grad():
        stack[2].bias.fill_(-1000.0)  # every window is far below 0, so that a 0 would win
    sequence = some_letters(length, seed=length)
    scores = window_scores(stack, sequence)
    there = [frame for frame in range(3) if length - frame >= K]
    pooled = Pooled(stack, GlobalMaxPool1d())
    for network in (FrameSymmetrized(stack), FrameSymmetrized(stack, every_letter=True)):
        assert network.readings(*one_hot(sequence)).lengths.tolist() == [max(length - K + 1, 0)]
        assert value_of(network, sequence) == (scores.max(0).tolist() if there else [0.0, 0.0])
    frames = FrameSymmetrized(pooled, shortest=K)
    assert frames.readings(*one_hot(sequence)).lengths.tolist() == [len(there)]
    assert value_of(frames, sequence) == (scores.max(0).tolist() if there else [0.0, 0.0])
    mean = FrameSymmetrized(pooled, 6, "average", shortest=K)
    if there:
        both = (scores, window_scores(stack, other_strand(sequence)))
        expected = np.mean([one[frame::3].max(0) for one in both for frame in there], axis=0)
        np.testing.assert_allclose(value_of(mean, sequence), expected, rtol=1e-6)
    else:
        assert value_of(mean, sequence) == [0.0, 0.0]
        winner = frames.winner(*one_hot(sequence))
        assert winner.frame.tolist() == winner.strand.tolist() == winner.position.tolist() == [[-1, -1]]


@pytest.mark.parametrize("reduce", ["average", "sum", "log_mean_exp", "softmax", "generalised_mean", "median"])
def test_any_order_of_frames_gives_the_same_bits(reduce: str) -> None:
    """In float32 a sum of three differs in its last bit for a quarter of the orders: sums are taken in float64."""
    values = torch.rand(20_000, 1, 6, generator=torch.Generator().manual_seed(1)) + 0.1
    pool = GroupPool(reduce)
    for order in ([1, 2, 0, 4, 5, 3], [3, 4, 5, 0, 1, 2], [5, 1, 3, 0, 4, 2]):
        assert torch.equal(pool(values[..., order]), pool(values))
    if reduce == "average":
        assert not torch.equal(values.mean(-1), values[..., [1, 2, 0, 4, 5, 3]].mean(-1))


def test_attention_over_frames_looks_at_values_not_at_places() -> None:
    torch.manual_seed(0)
    network = FrameSymmetrized(codon_stack(WIDTH, outputs=4, seed=1), 6, "attention", channels=4)
    sequence = some_letters(31, seed=5)
    assert value_of(network, sequence) == value_of(network, other_strand(sequence))
    network(*one_hot(sequence)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.pool.parameters())


# Use


@pytest.mark.parametrize("reduce", ["max", "average"])
def test_gradients_reach_letters_and_weights_alike_in_both_forms(reduce: str) -> None:
    stack = codon_stack(WIDTH, seed=2).double().requires_grad_()
    x, lengths = one_hot(some_letters(31, 1), some_letters(22, 2))
    found = []
    for every_letter in (False, True):
        leaf = torch.nan_to_num(x).double().requires_grad_()
        network = FrameSymmetrized(stack, 6, reduce, every_letter=every_letter)
        found.append(torch.autograd.grad(network(leaf, lengths).sum(), [leaf, *stack.parameters()]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
        assert float(one.abs().max()) > 0


@pytest.mark.parametrize("every_letter", [False, True])
@pytest.mark.parametrize("reduce", ["max", "average"])
def test_compiles_and_exports(every_letter: bool, reduce: str) -> None:
    network = FrameSymmetrized(codon_stack(WIDTH, seed=2), 6, reduce, every_letter=every_letter)
    x, lengths = one_hot(some_letters(31, 1), some_letters(22, 2))
    expected = network(x, lengths)
    torch.compiler.reset()
    assert torch.equal(torch.compile(network, backend="aot_eager", fullgraph=True)(x, lengths), expected)
    assert torch.equal(torch.export.export(network, (x, lengths)).module()(x, lengths), expected)


@pytest.mark.parametrize("every_letter", [False, True])
def test_nothing_to_read(every_letter: bool) -> None:
    network = FrameSymmetrized(codon_stack(WIDTH), 6, every_letter=every_letter)
    assert network(torch.zeros(0, 4, 30)).shape == (0, 2)
    assert network(torch.zeros(2, 4, 0), torch.tensor([0, 0])).tolist() == [[0.0, 0.0]] * 2
    assert network.eval()(torch.zeros(2, 4, 3)).tolist() == [[0.0, 0.0]] * 2


class Upsampled(nn.Module):
    """More windows than codons."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return x, lengths


def test_what_does_not_fit_is_said() -> None:
    stack = codon_stack(WIDTH)
    with pytest.raises(UsageError, match=r"frames is 2, expected 3 .* or 6"):
        FrameSymmetrized(stack, 2)
    with pytest.raises(UsageError, match="every_letter needs a ValidStack"):
        FrameSymmetrized(Pooled(stack, GlobalMaxPool1d()), every_letter=True)
    with pytest.raises(UsageError, match=r"leaves \[30, 30, 27\] windows .* at most one window for each codon"):
        FrameSymmetrized(Upsampled())(*one_hot(some_letters(31, 0)))
    for layer in (nn.Conv1d(4, 2, 3, padding=1), nn.BatchNorm1d(2), nn.MaxPool1d(2)):
        with pytest.raises(UsageError, match="a ValidStack cannot hold"):
            ValidStack(layer)


def test_a_stack_knows_what_its_windows_see() -> None:
    stack = ValidStack(nn.Conv1d(4, 3, 3, stride=3), nn.ReLU(), nn.Conv1d(3, 2, 4, dilation=2))
    assert (stack.geometry.jump, stack.geometry.receptive_field) == (3, 21)
    assert all(int(two.receptive_field) >= int(one.receptive_field) for one, two in pairwise(stack.geometries))
