"""Coding regions of sequences: evidence against the network itself, regions against planted genes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import seqpool.jobs.coding
from seqpool.alphabet import DNA, Codes
from seqpool.io.annotation import read_gene_features
from seqpool.io.fasta import read_fasta
from seqpool.jobs.coding import CodingRegion, CodingScanner, chunks
from seqpool.nn.coding_evidence import AROUND, BLOCK, BLOCK_CODONS, coding_evidence, margin
from seqpool.nn.codon_encoder import CodonEncoder
from tests.jobs.coding_models import coding_network


@pytest.fixture(scope="module")
def network() -> CodonEncoder:
    return coding_network()


def letters(length: int, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).choice(15, length, p=[0.24] * 4 + [0.04 / 11] * 11).astype(np.uint8)


def expected_evidence(network: CodonEncoder, codes: Codes, start: int) -> float:
    """The forward strand's codon at a letter, from the network on the stretches that the evidence speaks of."""
    x = torch.from_numpy(codes)
    frame, block = start % 3, start // BLOCK
    pair = 0.0
    if start >= 3:
        two = x[None, start - 3 : start + 3]
        pair = float(network.pair_scores(network.codons(two, torch.tensor([6])))[0, 0])
    first = max(block - AROUND, 0) * BLOCK + frame
    last = (block + AROUND + 1) * BLOCK + frame - 3  # first letter of the last window
    stretch = x[None, first : min(last + 3 * network.options.width, len(x))]
    lengths = torch.tensor([stretch.shape[1]])
    counts = torch.tensor([[(int(lengths[0]) - 3 * network.options.width) // 3 + 1]])
    windows = network.windows(network.codons(stretch, lengths))[:, :, ::3]
    total = windows.sum(dim=2)
    logit = network.head(torch.cat([windows.amax(dim=2), total / counts, total / 64], dim=1))
    codons = int(counts) + network.options.width - 1
    return pair + float(network.per_length[0]) / 64 + float(logit) / codons


@pytest.mark.parametrize("length", [200, 331, 60, 20])
@torch.no_grad()
def test_evidence_is_what_the_network_says_of_the_stretch_around(network: CodonEncoder, length: int) -> None:
    codes = letters(length)
    found = coding_evidence(network, torch.from_numpy(codes), 0, 0)
    other = coding_evidence(network, torch.from_numpy(DNA.reverse_complement(codes)), 0, 0)
    assert found.shape == (-(-length // 3), 6)
    for start in range(0, length - 3 * network.options.width - BLOCK_CODONS, 7):
        assert float(found[start // 3, start % 3]) == pytest.approx(expected_evidence(network, codes, start), abs=1e-4)
    if length % BLOCK == 2:  # blocks lie alike on both strands
        assert torch.allclose(found.flatten()[3:6], other.flatten()[-3:], atol=1e-4)
    past = range(length - 2, 3 * len(found))
    assert all(float(found[start // 3, place]) == -np.inf for start in past for place in (start % 3, 3 + start % 3))


@torch.no_grad()
def test_context_changes_nothing(network: CodonEncoder) -> None:
    codes = torch.from_numpy(letters(1500))
    whole = coding_evidence(network, codes, 0, 0)
    context = margin(network)
    part = coding_evidence(network, codes[600 - context : 900 + context], context, context)
    torch.testing.assert_close(part, whole[200:300], rtol=1e-5, atol=1e-5)


def found(network: CodonEncoder, codes: Codes, pieces: int = 1, code: int = 11) -> list[CodingRegion]:
    scanner = CodingScanner(network, code)
    return list(scanner.regions(iter(np.array_split(codes, pieces)), len(codes)))


def test_planted_genes_are_found(network: CodonEncoder, repository: Path) -> None:
    genes = [f for f in read_gene_features(str(repository / "data" / "demo_contigs.gff3")) if f.coding]
    hits, false = 0, 0
    for sequence in read_fasta(str(repository / "data" / "demo_contigs.fa.gz")):
        regions = found(network, sequence.codes)
        own = [gene for gene in genes if gene.chromosome == sequence.name]
        taken = np.zeros(len(sequence.codes), dtype=bool)
        for gene in own:
            taken[gene.start : gene.end] = True
            hits += any(
                region.strand == gene.strand
                and (region.end - gene.end if gene.strand > 0 else region.start - gene.start) % 3 == 0
                and min(region.end, gene.end) - max(region.start, gene.start) >= (gene.end - gene.start) / 2
                for region in regions
            )
        for region in regions:
            false += int((~taken[region.start : region.end]).sum())
            assert (region.end - region.start) % 3 == 0
            own_strand = sequence.codes if region.strand > 0 else DNA.reverse_complement(sequence.codes)
            start = region.start if region.strand > 0 else len(sequence.codes) - region.end
            assert start % 3 == region.frame
            text = DNA.decode(own_strand[start : start + region.end - region.start])
            codons = [text[i : i + 3] for i in range(0, len(text), 3)]
            assert not {"TAA", "TAG", "TGA"} & set(codons[:-1])
    assert hits >= 0.95 * len(genes)
    assert false < 0.02 * 90_000


def test_stops_belong_to_their_region(network: CodonEncoder, repository: Path) -> None:
    """Most regions end exactly where the planted gene does, stop codon and all."""
    genes = {
        (f.chromosome, f.end if f.strand > 0 else f.start)
        for f in read_gene_features(str(repository / "data" / "demo_contigs.gff3"))
        if f.coding
    }
    ends = {
        (sequence.name, region.end if region.strand > 0 else region.start)
        for sequence in read_fasta(str(repository / "data" / "demo_contigs.fa.gz"))
        for region in found(network, sequence.codes)
    }
    assert len(ends & genes) >= 0.85 * len(genes)


def test_pieces_and_chunks_change_nothing(
    network: CodonEncoder, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = next(read_fasta(str(repository / "data" / "demo_contigs.fa.gz"))).codes
    whole = found(network, codes)
    assert found(network, codes, pieces=7) == whole
    monkeypatch.setattr(seqpool.jobs.coding, "CHUNK", 40 * BLOCK)
    small = found(network, codes, pieces=3)
    assert [(r.start, r.end, r.strand, r.frame) for r in small] == [(r.start, r.end, r.strand, r.frame) for r in whole]
    assert [r.score for r in small] == pytest.approx([r.score for r in whole], rel=1e-4)


def test_memory_is_bounded_where_nothing_is_decided(
    network: CodonEncoder, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = next(read_fasta(str(repository / "data" / "demo_contigs.fa.gz"))).codes
    monkeypatch.setattr(seqpool.jobs.coding, "UNDECIDED", 10)
    monkeypatch.setattr(seqpool.jobs.coding, "CHUNK", 40 * BLOCK)
    assert sum(r.end - r.start for r in found(network, codes)) > 0.5 * len(codes)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 6, 11, 12, 13, 30, 61])
def test_short_sequences(network: CodonEncoder, length: int) -> None:
    assert found(network, letters(length)) == []


def test_chunks_meet_and_bring_their_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqpool.jobs.coding, "CHUNK", 300)
    codes = letters(1234)
    for pieces in (1, 2, 50):
        cut = list(chunks(iter(np.array_split(codes, pieces)), len(codes), 90))
        assert np.array_equal(np.concatenate([c[b : len(c) - a] for c, b, a in cut]), codes)
        assert [(b, a) for _, b, a in cut] == [(0, 90), (90, 90), (90, 90), (90, 34), (90, 0)]


def test_another_genetic_code_opens_frames(network: CodonEncoder, repository: Path) -> None:
    """In code 4 TGA is tryptophan: a gene whose tryptophans are TGA is one region under it, and pieces in code 11."""
    sequence = next(read_fasta(str(repository / "data" / "demo_contigs.fa.gz")))
    genes = [f for f in read_gene_features(str(repository / "data" / "demo_contigs.gff3")) if f.coding]
    longest = max((g for g in genes if g.chromosome == sequence.name and g.strand > 0), key=lambda g: g.end - g.start)
    codes = sequence.codes[longest.start - 90 : longest.end + 90].copy()
    codes[90 + 300 : 90 + 303] = DNA.encode("TGA")
    (whole,) = found(network, codes, code=4)
    assert whole.start < 390 < whole.end
    assert all(not (region.start < 390 and region.end > 393) for region in found(network, codes, code=11))
