"""Gated attention: which positions count is learnt from all channels together.

Scores w . (tanh(V x + b) * sigmoid(U x + c)), weights a = softmax over the valid positions, y = sum a_i x_i. The
gradient of x_i is a_i and the path through the scores. Ilse, Tomczak & Welling, "Attention-based deep multiple
instance learning", ICML 2018.

Use it when which positions matter depends on several channels together, and to see where a network looks.
"""

from __future__ import annotations

from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_all, pool_windows
from seqpool.pooling.intervals import Bounds, magnitudes, rounding, widened
from seqpool.pooling.masks import fill_padding, mask_from_lengths, zero_padding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.softmax import softmax_weights
from seqpool.pooling.reduction import each_row, in_blocks, windows_of, working_precision
from seqpool.pooling.rows import by_rows
from seqpool.pooling.same_windows import largest_of, smallest_of
from seqpool.pooling.windows import Window, blank


def _weighted(values: Tensor, scores: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of `values`, finite where not valid, weighted by softmax(scores)."""
    work = working_precision(scores)
    if valid is None:
        sizes = (work - work.detach().amax(-1, keepdim=True)).exp()
        weights = sizes / sizes.sum(-1, keepdim=True)
    else:
        weights = softmax_weights(work, valid)
    return (weights * working_precision(values)).sum(-1).to(values.dtype)


def _check(input: Tensor, scores: Tensor) -> None:
    if input.dim() != 3 or scores.shape != (input.shape[0], 1, input.shape[2]):
        raise UsageError(
            f"attention pools (N, C, L) with scores (N, 1, L), got {tuple(input.shape)} and {tuple(scores.shape)}."
        )


def attention_pool1d(
    input: Tensor,
    scores: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
) -> Pooled:
    """Mean of each window weighted by softmax(scores).

    Args:
        input: (N, C, L).
        scores: (N, 1, L), the same for all channels.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding has no weight.
        lengths: (N,) valid positions of each row.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a valid position gives 0.

    Raises:
        UsageError: a size is out of range, or shapes or lengths do not fit.
    """
    _check(input, scores)
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)

    def pool(batch: Tensor, scores: Tensor, lengths: Tensor | None) -> Tensor:
        values, valid = windows_of(window, batch, lengths)
        output = _weighted(values, windows_of(window, scores, lengths)[0], valid)
        return output if lengths is None else blank(output, window.output_lengths(lengths))

    def pool_blocks(batch: Tensor, lengths: Tensor | None) -> Tensor:
        windows = window.output_length(batch.shape[-1])
        if windows == 0:
            return batch[..., :0]
        return in_blocks(pool, batch.shape[1] * windows * window.kernel_size, batch, scores, lengths)

    return pool_windows(
        pool_blocks, window.output_lengths, input, lengths, -1, operator="attention_pool1d", separable=False
    )


def global_attention_pool1d(input: Tensor, scores: Tensor, *, lengths: Tensor | None = None) -> Tensor:
    """Mean of each row weighted by softmax(scores): (N, C, L) with (N, 1, L) -> (N, C); an empty row gives 0."""
    _check(input, scores)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.sum(-1)
        if lengths is None:
            return _weighted(batch, scores, None)
        if by_rows(batch):
            return each_row(_weighted, lengths, batch, scores)
        valid = mask_from_lengths(lengths, batch.shape[-1]).unsqueeze(1)
        return _weighted(fill_padding(batch, lengths), scores, valid)

    return pool_all(pool, input, lengths, -1, operator="global_attention_pool1d", separable=False)


class GatedScores(nn.Module):
    """One score for each position from all its channels: (N, C, L) -> (N, 1, L); 2 (C h + h) + h parameters.

    Args:
        channels: C of the input.
        hidden: h, units of the gated layer.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.value = nn.Linear(channels, hidden)
        self.gate = nn.Linear(channels, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        if input.dim() != 3:
            raise UsageError(f"attention pools (N, C, L), got shape {tuple(input.shape)}.")
        cells = zero_padding(input, lengths).transpose(1, 2)
        scores: Tensor = self.score(self.value(cells).tanh() * self.gate(cells).sigmoid())
        return scores.transpose(1, 2)


def _check_axis(axis: Axis) -> Axis:
    if axis not in (-1, 2):
        raise UsageError(
            f"attention pools the last axis of (N, C, L), not axis {axis!r}: its scores need all channels."
        )
    return axis


class AttentionPool1d(LocalPool):
    """Gated attention over each window; see `attention_pool1d`.

    Args:
        channels: channels of the input.
        hidden: units of the layer that scores positions.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        hidden: int = 32,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=_check_axis(axis))
        self.channels = channels
        self.hidden = hidden
        self.scores = GatedScores(channels, hidden)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return attention_pool1d(
            input, self.scores(input, lengths), self.kernel_size, self.stride, self.padding, self.dilation,
            self.ceil_mode, lengths=lengths,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box: a weighted mean lies between the smallest and the largest value.

        What the scores say is left out, so the bounds are those of any attention: as loose as the values differ.
        """
        size = largest_of(self, magnitudes(lower, upper), lengths)
        slack = size * rounding(2 * (self.values_pooled(lower) + 8), lower.dtype)
        low, high = smallest_of(self, lower, lengths), largest_of(self, upper, lengths)
        return widened(Bounds(low, high, None if lengths is None else self.output_lengths(lengths)), slack)


class GlobalAttentionPool1d(GlobalPool):
    """Gated attention over each row; arguments as in `AttentionPool1d`."""

    def __init__(self, channels: int, *, hidden: int = 32, axis: Axis = -1) -> None:
        super().__init__(axis=_check_axis(axis))
        self.channels = channels
        self.hidden = hidden
        self.scores = GatedScores(channels, hidden)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_attention_pool1d(input, self.scores(input, lengths), lengths=lengths)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box: a weighted mean lies between the smallest and the largest value.

        What the scores say is left out, so the bounds are those of any attention: as loose as the values differ.
        """
        size = largest_of(self, magnitudes(lower, upper), lengths)
        slack = size * rounding(2 * (self.values_pooled(lower) + 8), lower.dtype)
        low, high = smallest_of(self, lower, lengths), largest_of(self, upper, lengths)
        return widened(Bounds(low, high, None), slack)
