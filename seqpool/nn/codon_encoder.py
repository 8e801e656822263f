"""A network that reads a sequence codon by codon in every reading frame of both strands, with the same weights.

All frames are one pass: the codon that starts at each letter is looked up once, and convolutions over codons step
three letters at a time, so that window i belongs to frame i mod 3 (docs/frames.md says what that guarantees). Each
strand is read from its own 5' end. What the frames say is one logit each, beside 0 for no coding at all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.alphabet import CODONS, DNA, PLAIN_CODONS, GeneticCode, codon_distributions, codon_table
from seqpool.nn.heads import dense_head
from seqpool.options.networks import CodonEncoder as Options

FRAMES = 3

NO_CODON = CODONS
"""Code of a place where no codon starts: zero in every channel."""

SUM_CODONS = 64.0
"""Sums over positions are divided by this: so they are of the size of a mean, and whole weights stay exact."""


class CodonEncoder(nn.Module):
    """Letters to (N, 1 + frames) logits: no coding, then frames +0 +1 +2 and, of 6, -0 -1 -2.

    A frame that holds no window of `width` codons is left out: its logit is minus infinity. Of a row without any frame
    the logit of no coding, 0, is all there is. N and other IUPAC letters count as what they stand for on average.
    """

    codons_of_letters: Tensor
    complement: Tensor
    meanings: Tensor
    distributions: Tensor
    pair_log_odds: Tensor

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        meanings = torch.from_numpy(GeneticCode(options.genetic_code).meanings).float()
        channels = meanings.shape[1] if options.channels == "amino_acids" else PLAIN_CODONS
        self.register_buffer("codons_of_letters", torch.from_numpy(codon_table()).flatten().long(), persistent=False)
        self.register_buffer("complement", torch.from_numpy(DNA.complement_codes), persistent=False)
        self.register_buffer("meanings", meanings, persistent=False)
        self.register_buffer("distributions", _distributions(), persistent=False)
        self.register_buffer("pair_log_odds", torch.zeros(PLAIN_CODONS, PLAIN_CODONS))
        self.embedding = nn.Parameter(torch.randn(channels, options.embedding))
        self.convolution = nn.Conv1d(options.embedding, options.filters, options.width, dilation=FRAMES)
        self.head = dense_head(3 * options.filters, 1, hidden=options.hidden, dropout=options.dropout)
        self.per_length = nn.Parameter(torch.zeros(1))

    def read_as(self, genetic_code: int) -> None:
        """From now on sequences are of this genetic code: codons stand for those of the network's own code that mean
        the same. Raises ValueError for a number that is no code."""
        own = GeneticCode(self.options.genetic_code)
        recoded = torch.from_numpy(GeneticCode(genetic_code).read_as(own)).to(self.distributions)
        self.distributions = _distributions().to(self.distributions) @ recoded

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, L) uint8 codes or (N, 4, L) probabilities of letters, and (N,) lengths, to (N, 1 + frames) logits."""
        if lengths is None:
            lengths = torch.full((x.shape[0],), x.shape[-1], dtype=torch.int64, device=x.device)
        strands = [self.frame_logits(x, lengths)]
        if self.options.frames == 2 * FRAMES:
            strands.append(self.frame_logits(*self.other_strand(x, lengths)))
        none = strands[0].new_zeros(len(x), 1)
        return torch.cat([none, *strands], dim=1)

    def other_strand(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The reverse complement of each row within its own length."""
        places = lengths[:, None] - 1 - torch.arange(x.shape[-1], device=x.device)
        places = torch.where(places < 0, places + x.shape[-1], places)
        if x.dtype == torch.uint8:
            return self.complement[x.gather(1, places).long()], lengths
        return x.flip(1).gather(2, places[:, None].expand_as(x)), lengths

    def frame_logits(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(N, 3) logits of the frames of the given strand."""
        codons = self.codons(x, lengths)
        counts = frame_counts(lengths, 3)
        pairs = by_frame(self.pair_scores(codons), 0.0).sum(dim=1)
        windows = frame_counts(lengths, 3 * self.options.width)
        logits = self.head_logits(*self.summaries(self.windows(codons), windows)) + pairs
        logits = logits + self.per_length * counts / SUM_CODONS
        return torch.where(windows > 0, logits, logits.new_full((), -torch.inf))

    def codons(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(N, L - 2) code of the codon that starts at each letter, or (N, 64, L - 2) probabilities; none past a row."""
        short = max(3 - x.shape[-1], 0)
        starts = torch.arange(max(x.shape[-1] - 2, 1), device=x.device)
        inside = starts < (lengths - 2)[:, None]
        if x.dtype != torch.uint8:
            x = F.pad(x, (0, short))
            first, second, third = x[:, :, :-2], x[:, :, 1:-1], x[:, :, 2:]
            product = torch.einsum("nap,nbp,ncp->nabcp", first, second, third).flatten(1, 3)
            return torch.where(inside[:, None], product, product.new_zeros(()))
        letters = F.pad(x, (0, short), value=DNA.unknown).clamp(max=15).long()
        index = letters[:, :-2] * 256 + letters[:, 1:-1] * 16 + letters[:, 2:]
        return torch.where(inside, self.codons_of_letters[index], NO_CODON)

    def embedded(self, codons: Tensor) -> Tensor:
        """(N, embedding, L - 2) channels of each codon; of its amino acids where the options say so."""
        table: Tensor = self.embedding
        if self.options.channels == "amino_acids":
            table = self.meanings @ table
        if codons.dtype == torch.int64:
            return F.embedding(codons, self.distributions @ table).transpose(1, 2)
        # the plain codons' rows hold what a genetic code makes of them
        return torch.einsum("nkp,ke->nep", codons, self.distributions[:PLAIN_CODONS] @ table)

    def windows(self, codons: Tensor) -> Tensor:
        """(N, filters, starts) rectified convolution of each window of `width` codons, by the letter it starts at."""
        short = max(FRAMES * (self.options.width - 1) + 1 - codons.shape[-1], 0)
        return F.relu(self.convolution(F.pad(self.embedded(codons), (0, short))))

    def summaries(self, windows: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, filters, 3) maximum, mean and sum over the windows of each frame; counts: (N, 3) of them."""
        places = by_frame(windows, 0.0)
        inside = torch.arange(places.shape[2], device=windows.device)[:, None] < counts[:, None, None]
        # rectified values are at least 0, so that 0 stands for a window that is not there
        places = places * inside
        total = places.sum(dim=2)
        # of equal windows the first takes the gradient, as everywhere; amax would also share it out, slowly
        return places.max(dim=2).values, total / counts.clamp(min=1)[:, None], total / SUM_CODONS

    def head_logits(self, maximum: Tensor, mean: Tensor, total: Tensor) -> Tensor:
        """(N, frames) what the head says of summaries (N, filters, frames)."""
        features = torch.cat([maximum, mean, total], dim=1).transpose(1, 2)
        return self.head(features)[..., 0]  # type: ignore[no-any-return]

    def pair_scores(self, codons: Tensor) -> Tensor:
        """(N, L - 5) weighted log-odds of each codon together with the next one in its frame; 0 past a row."""
        weighted = self.options.codon_pairs * self.pair_log_odds
        if codons.shape[-1] <= FRAMES:
            return weighted.new_zeros(codons.shape[0], 0)
        first, second = codons[..., :-FRAMES], codons[..., FRAMES:]
        plain = self.distributions[:PLAIN_CODONS]
        table = plain @ weighted @ plain.T
        if codons.dtype != torch.int64:
            return torch.einsum("nkp,kl,nlp->np", first, table, second)
        is_plain = (first < PLAIN_CODONS) & (second < PLAIN_CODONS)
        scores = table.flatten()[torch.where(is_plain, first * PLAIN_CODONS + second, 0)]
        if not bool(is_plain.all()):
            of_first = (self.distributions @ weighted)[first[~is_plain]]
            expected = (of_first * self.distributions[second[~is_plain]]).sum(dim=1)
            scores = scores.masked_scatter(~is_plain, expected)
        return scores


class ReadingFrame(nn.Module):
    """What a CodonEncoder says of one frame: (N, 4, L) letters from its first codon on, (N,) lengths, to (N, 1)."""

    def __init__(self, encoder: CodonEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The logit of frame 0 of the given strand."""
        if lengths is None:
            lengths = torch.full((x.shape[0],), x.shape[-1], dtype=torch.int64, device=x.device)
        return self.encoder.frame_logits(x, lengths)[:, :1]


def _distributions() -> Tensor:
    """(CODONS + 1, 64) probabilities of plain codons, none for NO_CODON."""
    return F.pad(torch.from_numpy(codon_distributions()).float(), (0, 0, 0, 1))


def frame_counts(lengths: Tensor, letters: int) -> Tensor:
    """(N, 3) windows of so many letters in each frame of rows of these lengths, one after every codon."""
    starts = torch.arange(FRAMES, device=lengths.device)
    return torch.div(lengths[:, None] - starts - letters, 3, rounding_mode="floor").add(1).clamp(min=0)


def by_frame(x: Tensor, fill: float) -> Tensor:
    """(N, ..., starts) at every letter to (N, ..., codons, 3): place j of frame f is start 3 j + f."""
    short = -x.shape[-1] % FRAMES if x.shape[-1] else FRAMES
    padded = F.pad(x, (0, short), value=fill)
    return padded.reshape(*padded.shape[:-1], -1, FRAMES)
