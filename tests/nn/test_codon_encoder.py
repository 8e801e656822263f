"""The codon encoder against plain torch on one frame at a time, and what reading frames guarantee."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqpool.alphabet import DNA
from seqpool.nn.codon_encoder import CodonEncoder, ReadingFrame
from seqpool.nn.frames import FrameSymmetrized
from seqpool.options.networks import CodonEncoder as Options

WIDTH = 3

LETTERS = st.text(alphabet="ACGT", min_size=3 * WIDTH + 2, max_size=80)
ANY_LETTERS = st.text(alphabet=DNA.symbols, min_size=0, max_size=50)


def encoder(seed: int = 0, *, integers: bool = False, hidden: int = 4, **options: object) -> CodonEncoder:
    """A small encoder; with integers, small whole weights, no mean in the head, so that all sums are exact."""
    torch.manual_seed(seed)
    chosen = {"embedding": 5, "filters": 6, "width": WIDTH, "hidden": hidden, "codon_pairs": 1.0, **options}
    network = CodonEncoder(Options(**chosen)).eval()  # type: ignore[arg-type]
    network.pair_log_odds.copy_(torch.randn(64, 64))
    if integers:
        with torch.no_grad():
            for parameter in [*network.parameters(), network.pair_log_odds]:
                parameter.copy_(torch.randint(-2, 3, parameter.shape).float())
            first = next(layer for layer in network.head if isinstance(layer, torch.nn.Linear))
            first.weight[:, 6:12] = 0  # the mean divides by counts
            first.weight[:, 12:] *= 64  # and the sum by 64
            network.per_length.mul_(64)
    return network


def batch(texts: list[str], padding: int = 0) -> tuple[Tensor, Tensor]:
    lengths = [len(text) for text in texts]
    x = np.full((len(texts), max(lengths) + padding), DNA.unknown, dtype=np.uint8)
    for row, text in enumerate(texts):
        x[row, : len(text)] = DNA.encode(text)
    return torch.from_numpy(x), torch.tensor(lengths)


def one_hot(x: Tensor) -> Tensor:
    return torch.from_numpy(DNA.distributions).float()[x.long()].transpose(1, 2)


@torch.no_grad()
def one_frame(network: CodonEncoder, text: str) -> float:
    """The logit of frame 0, by plain torch on the frame's own codons: a stride-3 stem and an ordinary convolution."""
    codons = [text[i : i + 3] for i in range(0, len(text) - 2, 3)]
    if len(codons) < network.options.width:
        return -np.inf
    rows = []
    for codon in codons:
        p = [DNA.distributions[DNA.encode(letter)[0]] for letter in codon]
        rows.append(np.einsum("i,j,k->ijk", *p).ravel())
    dense = torch.tensor(np.stack(rows), dtype=torch.float32)
    channels = dense @ network.meanings if network.options.channels == "amino_acids" else dense
    weight = network.convolution.weight
    found = F.relu(F.conv1d((channels @ network.embedding).T[None], weight, network.convolution.bias))[0]
    features = torch.cat([found.amax(1), found.mean(1), found.sum(1) / 64])
    pairs = torch.einsum("nk,kl,nl->", dense[:-1], network.pair_log_odds, dense[1:]) * network.options.codon_pairs
    return float(network.head(features)[0] + pairs + network.per_length[0] * len(codons) / 64)


def six_frames(network: CodonEncoder, text: str) -> list[float]:
    other = str(Seq(text).reverse_complement())
    return [one_frame(network, strand[frame:]) for strand in (text, other) for frame in range(3)]


@settings(deadline=None, max_examples=40)
@given(st.lists(ANY_LETTERS, min_size=1, max_size=3), st.sampled_from(["codons", "amino_acids"]), st.integers(0, 9))
def test_one_pass_equals_six_separate_ones(texts: list[str], channels: str, padding: int) -> None:
    network = encoder(channels=channels)
    expected = torch.tensor([[0.0, *six_frames(network, text)] for text in texts])
    with torch.no_grad():
        torch.testing.assert_close(network(*batch(texts, padding)), expected, rtol=1e-5, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.lists(LETTERS, min_size=1, max_size=3))
def test_one_pass_equals_six_separate_ones_bit_for_bit_with_whole_weights(texts: list[str]) -> None:
    network = encoder(integers=True)
    with torch.no_grad():
        found = network(*batch(texts))
        assert found.tolist() == [[0.0, *six_frames(network, text)] for text in texts]


@settings(deadline=None, max_examples=30)
@given(st.lists(ANY_LETTERS, min_size=1, max_size=3))
def test_letters_as_probabilities_say_the_same(texts: list[str]) -> None:
    network = encoder()
    x, lengths = batch(texts)
    with torch.no_grad():
        torch.testing.assert_close(network(one_hot(x), lengths), network(x, lengths), rtol=1e-5, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(LETTERS)
def test_reverse_complement_exchanges_strands_bit_for_bit(text: str) -> None:
    network = encoder(seed=3)
    other = str(Seq(text).reverse_complement())
    with torch.no_grad():
        here, there = network(*batch([text])), network(*batch([other]))
    assert torch.equal(here[:, 1:4], there[:, 4:7])
    assert torch.equal(here[:, 4:7], there[:, 1:4])


@settings(deadline=None, max_examples=30)
@given(st.text(alphabet="ACGT", min_size=30, max_size=60), st.integers(1, 4))
def test_trimming_moves_frames(text: str, trimmed: int) -> None:
    """Frame f of x[t:] is frame (f + t) mod 3 of x less its first floor((f + t) / 3) codons."""
    network = encoder(integers=True)
    for frame in range(3):
        lost = (frame + trimmed) // 3
        rest = text[(frame + trimmed) % 3 + 3 * lost :]
        with torch.no_grad():
            found = network(*batch([text[trimmed:]]))[0, 1 + frame]
        assert float(found) == one_frame(network, rest)


def test_max_over_frames_only_loses_when_the_winning_window_is_cut() -> None:
    """Of the maximum alone (A1): F(x[t:]) <= F(x), equal if and only if a best window starts at t or later."""
    network = encoder(integers=True, hidden=0, frames=3, codon_pairs=0.0)
    with torch.no_grad():
        linear = network.head[-1]
        linear.weight.zero_()
        linear.weight[0, 0] = 1
        linear.bias.zero_()
        network.per_length.zero_()
    generator = np.random.default_rng(0)
    kept = lost = 0
    for _ in range(300):
        x = torch.from_numpy(generator.integers(0, 4, (1, 40)).astype(np.uint8))
        with torch.no_grad():
            whole = network(x)[0, 1:].max()
            starts = network.windows(network.codons(x, torch.tensor([40])))[0, 0]
            for trimmed in (1, 2):
                rest = network(x[:, trimmed:])[0, 1:].max()
                assert rest <= whole
                survives = bool((starts[trimmed:] == whole).any())
                assert bool(rest == whole) == survives
                kept, lost = kept + survives, lost + (not survives)
    assert min(kept, lost) > 5


def test_a_frame_without_a_window_is_left_out() -> None:
    """A frame has a window if and only if L - f >= 3 width; none at all leaves no coding alone."""
    network = encoder(width=4)
    for length, frames in ((14, [True] * 3), (13, [True, True, False]), (12, [True, False, False]), (11, [False] * 3)):
        with torch.no_grad():
            logits = network(*batch(["A" * length]))
        assert torch.isfinite(logits[0, 1:4]).tolist() == frames
        assert torch.isfinite(logits[0, 4:]).tolist() == frames
        assert logits[0, 0] == 0
        assert torch.isfinite(torch.logsumexp(logits, dim=1)).all()


def test_rows_do_not_see_each_other_or_their_padding() -> None:
    network = encoder(seed=1)
    texts = ["ACGT" * 9, "TTGACA" * 3, "G" * 11, "AC"]
    with torch.no_grad():
        together = network(*batch(texts, padding=5))
        for row, text in enumerate(texts):
            assert torch.equal(network(*batch([text]))[0], together[row]) or torch.allclose(
                network(*batch([text]))[0], together[row], atol=1e-6
            )


def test_empty_frames_give_finite_gradients() -> None:
    network = encoder()
    logits = network(*batch(["ACGTACGTACG", "AC", "ACGTTAGCATTACGGCA"]))
    F.cross_entropy(logits, torch.tensor([1, 0, 5])).backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_another_genetic_code_reads_codons_by_their_meaning() -> None:
    """TGA is tryptophan in code 4: under it a sequence with TGA is one with TGG, and TAR stays a stop."""
    network = encoder()
    with torch.no_grad():
        plain = network(*batch(["ATGTGGTAACCCGTGGAAATT"]))[:, 1]
        network.read_as(4)
        recoded = network(*batch(["ATGTGATAACCCGTGAAAATT".replace("GTGAAAATT", "GTGGAAATT")]))[:, 1]
    torch.testing.assert_close(plain, recoded)
    network.read_as(11)
    with torch.no_grad():
        again = network(*batch(["ATGTGGTAACCCGTGGAAATT"]))[:, 1]
    assert torch.equal(again, plain)


def test_every_stop_of_iupac_letters_scores_alike() -> None:
    network = encoder(channels="amino_acids", codon_pairs=0.0)
    logits = []
    for codon in ("TAA", "TAG", "TGA", "TAR", "TRA"):
        with torch.no_grad():
            logits.append(network(*batch(["ATGGCC" + codon + "GCCATGGCA"]))[0, 1])
    assert max(logits) - min(logits) < 1e-5


def test_reading_frame_is_one_frame_of_it() -> None:
    network = encoder(seed=2)
    x, lengths = batch(["ATGGCCGATTACAGGATTACC", "ATGCCCGGGTTTAAATT"])
    with torch.no_grad():
        assert torch.equal(ReadingFrame(network)(one_hot(x), lengths), network(one_hot(x), lengths)[:, 1:2])


def test_gradients_reach_the_letters() -> None:
    network = encoder()
    x = one_hot(batch(["ATGGCCGATTACAGGATTACC"])[0]).requires_grad_()
    network(x)[:, 1:].logsumexp(dim=1).sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).any())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 6, "genetic_code": 7}, "no genetic code 7"),
        ({"codon_pairs": 2.0}, "codon_pairs is 2"),
        ({"width": 0}, "width is 0"),
    ],
)
def test_options_that_cannot_be(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**values)  # type: ignore[arg-type]


def test_all_codons_have_a_logit() -> None:
    """A frame of one codon repeated scores differently for each of the 64 codons."""
    network = encoder(frames=3)
    texts = ["".join(codon) * 6 for codon in product("ACGT", repeat=3)]
    with torch.no_grad():
        logits = network(*batch(texts))[:, 1]
    assert len({round(float(value), 4) for value in logits}) == 64


def test_any_network_on_the_six_frames_says_the_same() -> None:
    """The one pass over codon streams against FrameSymmetrized, which runs the network on stacked frames of letters."""
    network = encoder(seed=4)
    x, lengths = batch(["ATGGCCGATTACAGGATTACCAA", "ATGCCCGGGTTTAAATT", "TTGACATTAGGACATTT"])
    framed = FrameSymmetrized(ReadingFrame(network), 6, "max", shortest=3 * WIDTH)
    with torch.no_grad():
        readings = framed.readings(one_hot(x), lengths)
        logits = network(x, lengths)[:, 1:]
        torch.testing.assert_close(readings.values[:, 0].transpose(1, 2).flatten(1), logits, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(framed(one_hot(x), lengths)[:, 0], logits.amax(dim=1), rtol=1e-5, atol=1e-5)
