"""What a CodonEncoder says of every codon of a long sequence, in each frame of both strands."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.nn.codon_encoder import FRAMES, SUM_CODONS, CodonEncoder

BLOCK_CODONS = 10
"""Windows of the convolution are summed up in blocks of so many codons, which lie at the same places of a sequence
however it is cut."""

BLOCK = 3 * BLOCK_CODONS

AROUND = 2
"""Blocks on either side that the head sees beside a codon's own: 50 codons in all, as in the fragments of training."""


def margin(network: CodonEncoder) -> int:
    """Letters, in whole blocks, that the evidence of a codon depends on beyond its own block."""
    return BLOCK * (AROUND + 1 + (FRAMES * network.options.width - 1) // BLOCK)


def coding_evidence(network: CodonEncoder, codes: Tensor, before: int, after: int) -> Tensor:
    """(codons, 6) log-odds of the codon that starts at letter 3 t + f of a stretch, for frame f of each strand.

    codes: (L,) uint8, of which the first `before` and last `after` letters are context: there `before` is a multiple of
    BLOCK, and either is `margin(network)`, or less where the sequence begins or ends. The strands' frames are both
    counted by the forward strand's letters: place 3 + f is the codon whose three letters start at 3 t + f, read on the
    other strand. Frames past the stretch's last whole codon have minus infinity.
    """
    length = len(codes) - before - after
    forward = _of_strand(network, codes, reverse=False)
    other = _of_strand(network, network.complement[codes.flip(0).long()], reverse=True)
    codons = -(-length // 3)
    both = torch.stack([forward, other])
    # a codon that ends past the stretch is the stretch's own where it starts in it
    both = F.pad(both, (0, max(before + 3 * codons - both.shape[1], 0)), value=-torch.inf)
    own = both[:, before : before + 3 * codons].reshape(2, codons, FRAMES)
    return own.permute(1, 0, 2).flatten(1)


def _of_strand(network: CodonEncoder, codes: Tensor, *, reverse: bool) -> Tensor:
    """(L - 2,) log-odds of each codon by its first letter; of a reversed strand by its last one, in forward order."""
    size = len(codes)
    if size < 3:
        return torch.zeros(0)
    codons = network.codons(codes[None], torch.tensor([size]))
    pairs = F.pad(network.pair_scores(codons)[0], (FRAMES if size > 5 else size - 2, 0))
    per_codon = pairs + network.per_length / SUM_CODONS
    if size < FRAMES * network.options.width:
        return per_codon.flip(0) if reverse else per_codon
    windows = network.windows(codons)[0]
    if reverse:
        per_codon, windows = per_codon.flip(0), windows.flip(1)
    by_block = head_evidence(network, windows)
    each = by_block[:, None].expand(-1, BLOCK_CODONS, -1).flatten()
    each = F.pad(each, (0, max(size - 2 - len(each), 0)))[: size - 2]
    return per_codon + each


def head_evidence(network: CodonEncoder, windows: Tensor) -> Tensor:
    """(blocks, 3) what the head says of the windows around each block in each frame, per codon of them.

    windows: (filters, starts) by the forward letter that each starts at.
    """
    starts = windows.shape[1]
    blocks = -(-starts // BLOCK)
    places = F.pad(windows, (0, blocks * BLOCK - starts)).reshape(-1, blocks, BLOCK_CODONS, FRAMES)
    inside = (torch.arange(blocks * BLOCK) < starts).view(blocks, BLOCK_CODONS, FRAMES)
    reach = 2 * AROUND + 1
    # rectified values are at least 0, so that 0 stands for a window that is not there
    maximum = places.amax(dim=2).transpose(1, 2)
    maximum = F.max_pool1d(F.pad(maximum, (AROUND, AROUND)), reach, 1)
    total = F.pad(places.sum(dim=2).transpose(1, 2), (AROUND, AROUND)).unfold(2, reach, 1).sum(dim=3)
    counts = F.pad(inside.sum(dim=1).T.float(), (AROUND, AROUND)).unfold(1, reach, 1).sum(dim=2)
    summaries = [x.permute(2, 0, 1) for x in (maximum, total / counts.clamp(min=1), total / SUM_CODONS)]
    logits = network.head_logits(*summaries)
    return torch.where(counts.T > 0, logits / (counts.T + network.options.width - 1), 0.0)
