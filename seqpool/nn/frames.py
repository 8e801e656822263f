"""Any network on the reading frames of a sequence, pooled over frames (and strands) by a symmetric operator.

Frame f of a strand is its letters from f on, in whole codons, f = 0, 1, 2 counted from the strand's own 5' end. What
is guaranteed, and under which conditions, is in docs/frames.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.group_pool import GroupPool, Reduce
from seqpool.nn.intervals import interval_of
from seqpool.nn.strands import reverse_complement
from seqpool.nn.valid_stack import ValidStack
from seqpool.pooling import GlobalMaxPool1d, mask_from_lengths
from seqpool.pooling.intervals import Bounds

BLOCK_LETTERS = 52_000
"""Letters that a CPU takes through a network at a time in evaluation: so few that maps stay in its cache."""


@dataclass(frozen=True)
class Readings:
    """What a network says of the frames of every row.

    values: (N, C, S, strands). The network gave one vector per frame: S = 3 and place f is frame f. It gave one vector
        per window: place i is the window whose first codon starts at letter i of its strand, in frame i mod 3.
    lengths: (N,) how many of the S places of a row there are; the same for both strands.
    """

    values: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Winner:
    """The reading with the largest value, per row and output (N, C), the first of several; -1 where a row has none.

    frame: 0 to 2, from the strand's own 5' end. strand: 0 forward, 1 reverse.
    position: letters from the strand's own 5' end to the first letter of the winning window, of a network that leaves
        windows; of one that pools over positions itself, the frame.
    value: the largest value; 0 where a row has none.
    """

    frame: Tensor
    strand: Tensor
    position: Tensor
    value: Tensor


class FrameSymmetrized(nn.Module):
    """Runs one network on 3 or 6 reading frames in one batch and pools over the readings.

    The network takes letters (N, letters, L) of one frame, in whole codons from the first letter on, with lengths (N,),
    and gives either a tensor (N, C), pooled over positions by itself, or the pair (N, C, windows), lengths, one window
    after every codon. In the first case `reduce` pools over the frames, in the second over the windows of all frames at
    once (its mean counts every window alike). A frame too short for a window is left out, never counted as 0; a row
    without any frame gives 0.

    Batched frames equal separate passes, but for batch normalisation in training, whose moments are then those of all
    frames together, and for dropout, which draws for each frame.

    Args:
        net: such a network.
        frames: 3, of the given strand, or 6, of both (letters in an order whose complement is its reverse: ACGT).
        reduce: a global pooling operator of `seqpool.pooling`, by name or as a module.
        channels: of what is pooled, for operators that learn something for each.
        shortest: letters that a frame must have to count, for a network that pools over positions itself: its receptive
            field, in letters.
        every_letter: the network is run once on the letters of a strand instead of once per frame: its codon stride is
            taken out and its later layers are dilated threefold (Holschneider et al. 1989). For a `ValidStack`.

    Raises:
        UsageError: frames is not 3 or 6; every_letter with another network.
    """

    def __init__(
        self,
        net: nn.Module,
        frames: int = 3,
        reduce: Reduce = "max",
        *,
        channels: int = 1,
        shortest: int = 3,
        every_letter: bool = False,
    ) -> None:
        super().__init__()
        if frames not in (3, 6):
            raise UsageError(f"frames is {frames}, expected 3 (the given strand) or 6 (both strands).")
        if every_letter and not isinstance(net, ValidStack):
            raise UsageError(f"every_letter needs a ValidStack, whose layers it can dilate, not {type(net).__name__}.")
        self.net = net
        self.frames = frames
        self.pool = GroupPool(reduce, channels)
        self.shortest = shortest
        self.every_letter = every_letter

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, letters, L) to (N, C), or what `reduce` makes of C channels."""
        rows = max(1, BLOCK_LETTERS // max(x.shape[2] * self.frames // 3, 1))
        if self.training or torch.compiler.is_compiling() or x.device.type != "cpu" or x.shape[0] <= rows:
            return self._pooled(x, lengths)
        blocks = torch.split(x, rows)
        block_lengths = [None] * len(blocks) if lengths is None else torch.split(lengths, rows)
        return torch.cat([self._pooled(*block) for block in zip(blocks, block_lengths, strict=True)])

    def _pooled(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        maps, counts = self._maps(x, lengths)
        if isinstance(self.pool.reduce, GlobalMaxPool1d) and not maps.requires_grad:
            return _largest(maps, counts)
        readings = _in_order(maps, counts)
        strands = readings.values.shape[3]
        return self.pool(readings.values.flatten(2), strands * readings.lengths)  # type: ignore[no-any-return]

    def winner(self, x: Tensor, lengths: Tensor | None = None) -> Winner:
        """Which frame, strand and position has the largest value of each output."""
        readings = self.readings(x, lengths)
        strands = readings.values.shape[3]
        values = readings.values.flatten(2)
        counts = strands * readings.lengths
        valid = mask_from_lengths(counts, values.shape[2])[:, None]
        value, place = torch.where(valid, values, values.new_full((), -torch.inf)).max(dim=2)
        none = (counts == 0)[:, None]
        position = torch.div(place, strands, rounding_mode="floor")
        parts = (position % 3, place % strands, position)
        frame, strand, position = (torch.where(none, -1, part) for part in parts)
        return Winner(frame, strand, position, torch.where(none, value.new_zeros(()), value))

    def trimmed_maxima(self, x: Tensor, most: int, lengths: Tensor | None = None) -> Tensor:
        """What the network says of a row after i letters are lost at its front and j at its end, from one pass.

        (N, C, most + 1, most + 1), place i, j; of a network that leaves windows, under the maximum. The windows that
        are left are those that hold no lost letter, in whatever frame, so the values are exact: equal to those of the
        trimmed rows. 0 where no window is left. Shifting a row by letters that no window sees changes nothing.

        Raises UsageError for a network that pools over positions itself, or another operator.
        """
        if not isinstance(self.pool.reduce, GlobalMaxPool1d):
            raise UsageError("the windows that are left say all only under the maximum: set reduce to max.")
        readings = self.readings(x, lengths)
        values, counts = readings.values, readings.lengths[:, None, None]
        expected = _lengths_of(x, lengths)
        field = getattr(self.net, "geometry", None)
        if field is None or not bool(
            ((expected - int(field.receptive_field) + 1).clamp(min=0) == readings.lengths).all()
        ):
            raise UsageError("trimming needs a network that leaves one window at every letter, such as ValidStack.")
        place = torch.arange(values.shape[2], device=x.device)
        found = values.new_zeros(*values.shape[:2], most + 1, most + 1)
        for front in range(most + 1):
            for end in range(most + 1):
                best = []
                # each strand's places count from its own 5' end
                for strand, (before, after) in enumerate(((front, end), (end, front))[: values.shape[3]]):
                    left = (place >= before) & (place < counts - after)
                    best.append(torch.where(left, values[..., strand], -torch.inf).amax(dim=2))
                top = torch.stack(best).amax(dim=0)
                found[:, :, front, end] = torch.where(top == -torch.inf, 0.0, top)
        return found

    def readings(self, x: Tensor, lengths: Tensor | None = None) -> Readings:
        """The values of all frames before they are pooled, 0 where a row has none.

        Raises UsageError where the network does not fit: windows that do not come one after every codon.
        """
        readings = _in_order(*self._maps(x, lengths))
        there = mask_from_lengths(readings.lengths, readings.values.shape[2])[:, None, :, None]
        return Readings(torch.where(there, readings.values, readings.values.new_zeros(())), readings.lengths)

    def _maps(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(passes, strands, N, C, places) as they come and (passes, strands, N) how many there are; None: all.

        Place j of pass p is the window that starts at letter p + passes j; a frame that the network pooled itself is
        one place.
        """
        strands = self.frames // 3
        shape = (1 if self.every_letter else 3, strands, x.shape[0])
        if strands == 2:
            x = torch.cat([x, reverse_complement(x, lengths)])
            lengths = None if lengths is None else lengths.repeat(2)
        if self.every_letter:
            assert isinstance(self.net, ValidStack)
            if lengths is None and x.shape[2] < self.net.geometry.receptive_field:
                lengths = _lengths_of(x, None)
            found = self.net.at_every_letter(x, lengths)
            maps, counts = found if isinstance(found, tuple) else (found, None)
            return maps.reshape(*shape, *maps.shape[1:]), None if counts is None else counts.view(shape)
        output = self.net(*stacked_frames(x, lengths))
        maps, counts = output if isinstance(output, tuple) else (output, None)
        return self._arranged(maps, counts, _lengths_of(x, lengths))

    def _arranged(self, maps: Tensor, counts: Tensor | None, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What the network gave of stacked frames, with its windows or without, as `_maps` says.

        lengths: of the rows of all strands.
        """
        shape = (3, self.frames // 3, len(maps) // self.frames)
        if counts is None:
            maps = maps.unsqueeze(-1)
            starts = torch.arange(3, device=lengths.device)[:, None]
            counts = (lengths - starts >= max(self.shortest, 3)).to(lengths.dtype)
        else:
            _check_counts(counts.reshape(3, -1))
        return maps.reshape(*shape, *maps.shape[1:]), counts.reshape(shape)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while the channels (N, letters, L) stay in a box."""
        if self.frames == 6:
            lower, upper = (torch.cat([end, reverse_complement(end, lengths)]) for end in (lower, upper))
            lengths = None if lengths is None else lengths.repeat(2)
        low, own = stacked_frames(lower, lengths)
        high, _ = stacked_frames(upper, lengths)
        found = interval_of(self.net, low, high, own)
        windows = found.lengths if found.lower.dim() == 3 else None
        every = _lengths_of(lower, lengths)
        smallest, largest = (_in_order(*self._arranged(end, windows, every)) for end in found[:2])
        strands = smallest.values.shape[3]
        ends = smallest.values.flatten(2), largest.values.flatten(2)
        return self.pool.interval(*ends, strands * smallest.lengths)


def _lengths_of(x: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is not None:
        return lengths
    return torch.full((x.shape[0],), x.shape[2], dtype=torch.int64, device=x.device)


def _in_order(maps: Tensor, counts: Tensor | None) -> Readings:
    """Windows of all passes in the order of the letters where they start."""
    values = maps.permute(2, 3, 4, 0, 1).flatten(2, 3)
    return Readings(values, _lengths_of(values[..., 0], None) if counts is None else counts.sum(0)[0])


def _largest(maps: Tensor, counts: Tensor | None) -> Tensor:
    """Largest value over passes, strands and places that there are: (N, C); 0 where there is none.

    For where no gradient is wanted: which of several equal values wins does not matter then, and nothing is put in
    order first.
    """
    if counts is None:
        return maps.movedim(3, 0).amax(-1).amax((1, 2)).T  # channels lie furthest apart in memory
    places = maps.shape[-1]
    if places == 0:
        return maps.new_zeros(maps.shape[2:4])
    readable = counts.numel() > 0 and counts.device.type == "cpu" and not torch.compiler.is_compiling()
    sure = int(counts.amin()) if readable else 0
    found = [maps[..., :sure].amax(-1)] if sure else []
    if sure < places:
        there = torch.arange(sure, places, device=counts.device) < counts[..., None, None]
        found.append(torch.where(there, maps[..., sure:], -torch.inf).amax(-1))
    best = torch.stack(found).amax((0, 1, 2))
    return torch.where(counts.amax((0, 1))[:, None] > 0, best, best.new_zeros(()))


def stacked_frames(x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The three frames of (N, C, L) as one batch (3 N, C, 3 codons), frame 0 of all rows first, and their lengths.

    Every frame ends with its last whole codon; shorter ones are padded with zeros to the length of frame 0.
    """
    whole = max(x.shape[2] // 3 * 3, 3)
    padded = F.pad(x, (0, max(whole + 2 - x.shape[2], 0)))
    frames = torch.cat([padded[:, :, frame : frame + whole] for frame in range(3)])
    if lengths is None:
        sizes = [max(x.shape[2] - frame, 0) // 3 * 3 for frame in range(3)]
        return frames, torch.tensor(sizes, device=x.device).repeat_interleave(x.shape[0])
    starts = torch.arange(3, device=lengths.device)[:, None]
    codons = torch.div((lengths - starts).clamp(min=0), 3, rounding_mode="floor")
    return frames, (3 * codons).flatten()


def _check_counts(counts: Tensor) -> None:
    """Raise UsageError unless the windows of (3, N) frames come one after every codon, frame after frame."""
    if torch.compiler.is_compiling() or counts.device.type != "cpu" or counts.numel() == 0:
        return
    steps = torch.cat([counts[:2] - counts[1:], counts[:1] - counts[2:]])
    if int(steps.min()) < 0 or int(steps.max()) > 1:
        raise UsageError(
            f"the network leaves {counts[:, int(steps.amax(0).argmax())].tolist()} windows in the three frames of a "
            "row, expected at most one window for each codon."
        )
