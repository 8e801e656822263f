"""Linear layers on the readings of a sequence in several frames that commute with exchanging the readings.

Y_i = sum_j M[pattern_ij] X_j + b, with one matrix for every orbit of the group on pairs of readings (Ravanbakhsh,
Schneider & Póczos 2017, arXiv:1702.08389). Readings are ordered +0 +1 +2 -0 -1 -2; the frames of each strand are
counted from that strand's own 5' end. So reverse complementing exchanges (+, f) and (-, f), and taking a letter off the
front makes (+, f) into (+, f - 1) and (-, f) into (-, f + 1): together the dihedral group D3, not the cyclic C6.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.intervals import convolution_interval, dense_interval
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import zero_padding

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """A group of permutations of readings, by its generators (reading i goes to place `generator[i]`)."""

    name: str
    meaning: str
    generators: tuple[Permutation, ...]

    @property
    def readings(self) -> int:
        """How many readings are exchanged: 2 strands, 3 frames, or 6 frames."""
        return len(self.generators[0])

    @cached_property
    def pattern(self) -> tuple[tuple[int, ...], ...]:
        """(readings, readings) which free matrix stands at each place; numbered in the order of reading row by row."""
        size = self.readings
        label: dict[tuple[int, int], int] = {}
        free = 0
        for pair in itertools.product(range(size), range(size)):
            if pair in label:
                continue
            reached = [pair]
            while reached:
                one = reached.pop()
                if one not in label:
                    label[one] = free
                    reached += [(moved[one[0]], moved[one[1]]) for moved in self.generators]
            free += 1
        return tuple(tuple(label[i, j] for j in range(size)) for i in range(size))

    @property
    def free(self) -> int:
        """Number of free matrices: orbits on pairs of readings."""
        return 1 + max(map(max, self.pattern))

    @property
    def on_codons(self) -> bool:
        """Whether sliding by a letter is in the group, and with six frames reverse complementing too."""
        return self.name not in ("C2", "slide", "reverse complement")


GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        Group("C2", "the two strands trade places", ((1, 0),)),
        Group("C3", "three frames slide", ((2, 0, 1),)),
        Group("S3", "three frames in any order", ((2, 0, 1), (1, 0, 2))),
        Group("D3", "six frames slide, and the strands trade places", ((2, 0, 1, 4, 5, 3), (3, 4, 5, 0, 1, 2))),
        Group("C3 wr C2", "each strand's frames slide by themselves", ((2, 0, 1, 3, 4, 5), (3, 4, 5, 0, 1, 2))),
        Group(
            "S3 wr C2",
            "each strand's frames in any order",
            ((2, 0, 1, 3, 4, 5), (1, 0, 2, 3, 4, 5), (3, 4, 5, 0, 1, 2)),
        ),
        Group("S6", "six frames in any order", ((1, 2, 3, 4, 5, 0), (1, 0, 2, 3, 4, 5))),
        Group("slide", "six frames slide", ((2, 0, 1, 4, 5, 3),)),
        Group("reverse complement", "the strands of six frames trade places", ((3, 4, 5, 0, 1, 2),)),
    )
}
"""Every group that a layer can be equivariant to. The larger the group, the fewer matrices: `C3 wr C2` and larger
groups cannot see how the two strands' frames lie to each other, `S3`, `S3 wr C2` and `S6` see no order of frames."""


def group_named(name: str) -> Group:
    """The group of that name. Raises UsageError listing the names there are."""
    if name not in GROUPS:
        raise UsageError(f"no group is called {name!r}, expected one of: {', '.join(GROUPS)}.")
    return GROUPS[name]


class EquivariantLayer(nn.Module):
    """A linear layer that commutes with a group of exchanges of readings.

    On one vector per reading (codons=None), (N, readings, in_channels) -> (N, readings, out_channels): what is left of
    each frame or strand after a global pool.

    On codons (codons=k, odd), the twisted form: sliding carries the first codon of frame 0 to frame 2 of the codon
    before, so a matrix pattern at equal codon numbers would not be equivariant. The features stand at the letter where
    their codon starts: frame f's codon j at f + 3 j, and the layer is a convolution over letters, its kernel's 3 k
    weights tied by the pattern. Three frames: (N, in_channels, L) -> (N, out_channels, L). Six frames:
    (N, 2 in_channels, L) -> (N, 2 out_channels, L), the reverse strand's channels after the forward strand's in reverse
    order, all on the forward strand's positions, as everywhere in `seqpool.nn.strands`. Beyond the ends stand zeros.

    weight: (free, out_channels, in_channels), or (free, out_channels, in_channels, k). bias: (out_channels,).

    Args:
        group: a name of `GROUPS`.
        codons: None, or how many codons the kernel spans.

    Raises:
        UsageError: unknown group, an even number of codons, or a group without a form on codons.
    """

    pattern: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, group: str, *, codons: int | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        self.group = group_named(group)
        self.codons = codons
        if codons is not None:
            if codons < 1 or codons % 2 == 0:
                raise UsageError(f"codons is {codons}, expected an odd number: the kernel is centred on its codon.")
            if not self.group.on_codons:
                fitting = ", ".join(one.name for one in GROUPS.values() if one.on_codons)
                raise UsageError(f"the group {group} has no form on codons, expected one of: {fitting}.")
        kernel = () if codons is None else (codons,)
        self.weight = nn.Parameter(torch.empty(self.group.free, out_channels, in_channels, *kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("pattern", torch.tensor(self.group.pattern), persistent=False)
        bound = (3.0 / (in_channels * self.group.readings * (codons or 1))) ** 0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def extra_repr(self) -> str:
        """As in the constructor call."""
        return f"{self.weight.shape[2]}, {self.weight.shape[1]}, group={self.group.name!r}, codons={self.codons}"

    def kernel(self) -> Tensor:
        """The whole convolution kernel (out, in, 3 codons), of a layer on codons; in and out of both strands."""
        own = self._lane(self.pattern[0])
        if self.group.readings == 3:
            return own
        other = self._lane(self.pattern[0, 3:])
        forward = torch.cat([own, other.flip(1)], dim=1)
        return torch.cat([forward, forward.flip(0, 1, 2)], dim=0)

    def _lane(self, labels: Tensor) -> Tensor:
        """(out, in, 3 codons): the weight at a distance of 3 t + r letters is codon t of the matrix of frame r."""
        phases = self.weight[labels[torch.tensor([2, 0, 1], device=labels.device)]]  # distances -1, 0, +1
        return phases.permute(1, 2, 3, 0).flatten(2)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """As the class says; on codons, lengths (N,) give a pair with the same lengths."""
        if self.codons is None:
            return self._of_readings(x)
        bias: Tensor | None = self.bias
        if bias is not None and self.group.readings == 6:
            bias = torch.cat([bias, bias.flip(0)])
        output = F.conv1d(zero_padding(x, lengths), self.kernel(), bias, padding=(3 * self.codons - 1) // 2)
        return output if lengths is None else (output, lengths)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box for each value of the result, attained but for rounding."""
        bias: Tensor | None = self.bias
        if self.codons is None:
            rows, readings = lower.shape[:2]
            # (readings out, out, readings in, in)
            whole = self.weight[self.pattern].transpose(1, 2).flatten(2).flatten(0, 1)
            every = None if bias is None else bias.repeat(readings)
            ends = dense_interval(whole, every, lower.flatten(1), upper.flatten(1))
            low, high = (end.view(rows, readings, -1) for end in ends)
            return Bounds(low, high, lengths)
        if bias is not None and self.group.readings == 6:
            bias = torch.cat([bias, bias.flip(0)])
        padding = (3 * self.codons - 1) // 2

        def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return F.conv1d(x, weight, bias, padding=padding)

        lower, upper = zero_padding(lower, lengths), zero_padding(upper, lengths)
        return Bounds(*convolution_interval(convolve, self.kernel(), bias, lower, upper), lengths)

    def _of_readings(self, x: Tensor) -> Tensor:
        readings = self.group.readings
        if x.dim() != 3 or x.shape[1] != readings:
            raise UsageError(
                f"the input has shape {tuple(x.shape)}, expected (N, {readings}, channels) for the group "
                f"{self.group.name}."
            )
        # each reading by itself: a product of matrices may round a row by where it stands
        matrices = self.weight.flatten(0, 1)
        products = torch.stack([F.linear(one.contiguous(), matrices) for one in x.unbind(1)])
        every = products.view(readings, len(x), *self.weight.shape[:2])
        place = torch.arange(readings, device=x.device)
        terms = every[place, :, self.pattern]  # (readings, readings, N, out)
        # readings that trade places are added up in another order: in float64, rounded once, that does not show
        output = terms.sum(1, dtype=torch.float64).to(x.dtype).transpose(0, 1)
        return output if self.bias is None else output + self.bias


def starts_from_frames(frames: Tensor) -> Tensor:
    """Features of the codons of three frames, (3, N, C, J), to the letters where the codons start: (N, C, 3 J).

    Frame f's codon j stands at f + 3 j. Shorter frames are padded at their end.
    """
    return frames.movedim(0, -1).flatten(-2)


def frames_from_starts(starts: Tensor) -> Tensor:
    """The inverse: (N, C, S) to (3, N, C, ceil(S / 3)), zeros after a frame's last codon."""
    padded = F.pad(starts, (0, -starts.shape[-1] % 3))
    return padded.reshape(*starts.shape[:-1], -1, 3).movedim(-1, 0)
