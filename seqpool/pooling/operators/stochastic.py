"""Stochastic pooling: in training a value drawn in proportion to its size, in evaluation the expectation.

P(i) = a_i / sum a. Training: y = a_I, the gradient goes to I alone. Evaluation: y = sum a^2 / sum a, between mean and
maximum, with gradient (2 a_i - y) / sum a where a_i > 0 and 0 elsewhere. Zeiler & Fergus, "Stochastic pooling for
regularization of deep convolutional neural networks", ICLR 2013.

Draws come from a counter, not from torch's generator: number j of channel c in row n is a hash of (seed, n, c, j)
(splitmix64: Steele, Lea & Flood, OOPSLA 2014). So they are the same on every device, under compilation, and however a
batch is padded, and no other layer's draws move them.

Use it to regularise small training sets of rectified features; evaluation has no noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_all, pool_windows
from seqpool.pooling.intervals import Bounds, rounding
from seqpool.pooling.masks import mask_from_lengths
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import mean
from seqpool.pooling.operators.softmax import softmax_bounds, softmax_mean, softmax_weights
from seqpool.pooling.reduction import Reduction, reduce_all, reduce_windows, select, working_precision
from seqpool.pooling.same_windows import largest_of, summary_of
from seqpool.pooling.windows import Window, blank

_NEGATIVES = ("clamp", "softmax")
_STEPS = (-7046029254386353131, -4417276706812531889, -7723592293110705685)
"""Odd constants that spread row, channel and window over 64 bits (splitmix64's own and those of xxHash64)."""


def _shift_right(bits: Tensor, count: int) -> Tensor:
    """Logical shift of int64: torch's own keeps the sign."""
    return (bits >> count) & ((1 << (64 - count)) - 1)


def _scramble(bits: Tensor) -> Tensor:
    bits = (bits ^ _shift_right(bits, 30)) * -4658895280553007687
    bits = (bits ^ _shift_right(bits, 27)) * -7723592293110705685
    return bits ^ _shift_right(bits, 31)


def _numbers(count: int, device: torch.device) -> Tensor:
    """1 to `count`; the operation on bits keeps a compiler from adding products up as indices, beyond 64 bits."""
    return torch.arange(1, count + 1, device=device).bitwise_or(0)


def uniform_draws(seed: Tensor, rows: int, channels: int, windows: int) -> Tensor:
    """Numbers in [0, 1) for (rows, channels, windows), float32: functions of `seed` () int64 and of their own place."""
    device = seed.device
    place = (
        _numbers(rows, device).reshape(-1, 1, 1) * _STEPS[0]
        + _numbers(channels, device).reshape(1, -1, 1) * _STEPS[1]
        + _numbers(windows, device).reshape(1, 1, -1) * _STEPS[2]
    )
    return _shift_right(_scramble(_scramble(seed) ^ _scramble(place)), 40).float() * 2.0**-24


def _running_sum(values: Tensor) -> Tensor:
    """Cumulative sum along the last axis by doubling steps: torch.cumsum is not deterministic on CUDA."""
    step = 1
    while step < values.shape[-1]:
        values = values + torch.nn.functional.pad(values[..., :-step], (step, 0))
        step *= 2
    return values


def expectation(values: Tensor, valid: Tensor | None, negatives: str) -> Tensor:
    """sum p_i a_i over the valid values; 0 where every probability is 0."""
    work = select(valid, working_precision(values), 0.0)
    if negatives == "softmax":
        return softmax_mean(values, valid, 1.0)
    sizes = work.relu()
    total = sizes.sum(-1)
    return ((sizes * sizes).sum(-1) / torch.where(total == 0, 1.0, total)).to(values.dtype)


def _reduction(negatives: str) -> Reduction:
    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return expectation(values, valid, negatives)

    return reduction


def sample(values: Tensor, valid: Tensor | None, negatives: str, draws: Tensor) -> Tensor:
    """The value whose stretch of the cumulative probabilities holds the draw; 0 where every probability is 0."""
    with torch.no_grad():
        work = select(valid, working_precision(values), 0.0)
        sizes = softmax_weights(work, valid) if negatives == "softmax" else work.clamp(min=0)
        sums = _running_sum(sizes)
        total = sums[..., -1:]
        # a draw so near 1 that its product rounds up to the total still gets the last cell that adds to it
        passed = (sums <= draws.unsqueeze(-1).to(sums.dtype) * total) & (sums < total)
        chosen = passed.sum(-1, keepdim=True).clamp(max=values.shape[-1] - 1)
    picked = torch.where(total == 0, 0.0, select(valid, values, 0.0).gather(-1, chosen))
    return picked.squeeze(-1)


def _drawn(values: Tensor, valid: Tensor | None, negatives: str, seed: int | Tensor) -> Tensor:
    key = torch.as_tensor(seed, dtype=torch.int64, device=values.device)
    windows = values.shape[2] if values.dim() == 4 else 1
    draws = uniform_draws(key, values.shape[0], values.shape[1], windows)
    return sample(values, valid, negatives, draws if values.dim() == 4 else draws.squeeze(-1))


def _check_negatives(negatives: str) -> str:
    if negatives not in _NEGATIVES:
        raise UsageError(f"negatives is {negatives!r}, expected one of {' '.join(_NEGATIVES)}.")
    return negatives


def stochastic_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    negatives: str = "clamp",
    training: bool = False,
    seed: int | Tensor = 0,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """A value of each window drawn in proportion to its size, or the expectation of that.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding is never drawn.
        negatives: `clamp` treats values below 0 as 0; `softmax` draws by softmax(x) instead.
        training: draw; otherwise the expectation.
        seed: an int, or an int64 tensor (); the same seed draws the same.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a value above 0 gives 0.

    Raises:
        UsageError: a size is out of range, `negatives` is unknown, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    _check_negatives(negatives)
    if not training:
        return reduce_windows(
            _reduction(negatives), window, input, lengths, axis, operator="stochastic_pool1d", separable=False
        )

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if window.output_length(batch.shape[-1]) == 0:
            return batch[..., :0]
        valid = window.valid(batch.shape[-1], lengths, batch.device)
        output = _drawn(window.cut(batch, 0.0), valid, negatives, seed)
        return output if lengths is None else blank(output, window.output_lengths(lengths))

    return pool_windows(
        pool, window.output_lengths, input, lengths, axis, operator="stochastic_pool1d", separable=False
    )


def global_stochastic_pool1d(
    input: Tensor,
    *,
    negatives: str = "clamp",
    training: bool = False,
    seed: int | Tensor = 0,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Tensor:
    """A value of each row drawn in proportion to its size, or the expectation: (N, C, L) -> (N, C).

    Arguments and errors as for `stochastic_pool1d`; an empty row gives 0.
    """
    _check_negatives(negatives)
    if not training:
        return reduce_all(
            _reduction(negatives),
            input,
            lengths,
            axis,
            operator="global_stochastic_pool1d",
            separable=False,
            passes=True,
        )

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.sum(-1)
        valid = None if lengths is None else mask_from_lengths(lengths, batch.shape[-1]).unsqueeze(1)
        return _drawn(batch, valid, negatives, seed)

    return pool_all(pool, input, lengths, axis, operator="global_stochastic_pool1d", separable=False)


def expectation_bounds(
    module: LocalPool | GlobalPool, lower: Tensor, upper: Tensor, lengths: Tensor | None, negatives: str
) -> tuple[Tensor, Tensor]:
    """Lower and upper bound of the expectation: the mean of the lower bounds and the largest upper bound.

    The expectation rises and falls with its values, so that neither end need be attained: on [0, 1] x [.8, 1.2] the
    bounds are half as wide again as the image.
    """
    if negatives == "softmax":
        return softmax_bounds(module, lower, upper, lengths, 1.0)
    share = rounding(2 * module.values_pooled(lower) + 10, lower.dtype)
    low = summary_of(module, mean, lower.relu(), lengths)
    return low * (1 - share), largest_of(module, upper.relu(), lengths) * (1 + share)


class StochasticPool1d(LocalPool):
    """Stochastic pooling of each window: draws in training mode, the expectation in evaluation mode.

    Args:
        negatives: as in `stochastic_pool1d`.
        seed: of the layer's own draws; how often it drew is kept in the state, so that a resumed run goes on.
    """

    calls: Tensor

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        negatives: str = "clamp",
        seed: int = 0,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=axis)
        self.negatives = _check_negatives(negatives)
        self.seed = seed
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        if self.training:
            self.calls.add_(1)
        return stochastic_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            negatives=self.negatives, training=self.training, seed=_scramble(self.calls) + self.seed,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box in evaluation mode; see `expectation_bounds`.

        Raises UsageError in training mode.
        """
        if self.training:
            raise UsageError("stochastic pooling draws in training mode; bounds are those of evaluation mode.")
        low, high = expectation_bounds(self, lower, upper, lengths, self.negatives)
        return Bounds(low, high, None if lengths is None else self.output_lengths(lengths))


class GlobalStochasticPool1d(GlobalPool):
    """Stochastic pooling of each row; arguments as in `StochasticPool1d`."""

    calls: Tensor

    def __init__(self, *, negatives: str = "clamp", seed: int = 0, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.negatives = _check_negatives(negatives)
        self.seed = seed
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        if self.training:
            self.calls.add_(1)
        return global_stochastic_pool1d(
            input, negatives=self.negatives, training=self.training, seed=_scramble(self.calls) + self.seed,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box in evaluation mode; see `expectation_bounds`.

        Raises UsageError in training mode.
        """
        if self.training:
            raise UsageError("stochastic pooling draws in training mode; bounds are those of evaluation mode.")
        low, high = expectation_bounds(self, lower, upper, lengths, self.negatives)
        return Bounds(low, high, None)
