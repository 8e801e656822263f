"""Batch normalisation and ReLU of maps over the columns that count."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seqpool.pooling.masks import mask_from_lengths


def column_mask(lengths: Tensor, maps: Tensor) -> Tensor:
    """(N, 1, 1, W) of the maps' type: 1 before each row's length, 0 past it.

    Between convolutions all values are finite, and a product keeps torch's channels-last order and is faster than
    `torch.where`.
    """
    return mask_from_lengths(lengths, maps.shape[3])[:, None, None, :].to(maps.dtype)


class NormReLU2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` (Ioffe & Szegedy 2015) whose moments count only columns before each row's length, then
    ReLU; what stands past a length becomes 0.

    Equals BatchNorm2d and ReLU on the valid columns put side by side. A batch without any valid column leaves the
    running moments as they are.
    """

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, C, H, W) to (N, C, H, W), lengths in columns; columns past a length hold arbitrary finite values."""
        if lengths is None:
            return torch.relu(super().forward(input))
        if not self.training:
            return torch.relu(super().forward(input)) * column_mask(lengths, input)
        count = int(lengths.sum()) * input.shape[2]
        if count == 0:
            return torch.zeros_like(input)
        output, mean, variance = _MaskedNormReLU.apply(  # type: ignore[no-untyped-call]
            input, column_mask(lengths, input), count, self.weight, self.bias, self.eps
        )
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                assert self.num_batches_tracked is not None
                self.num_batches_tracked.add_(1)
                rate = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
                self.running_mean.lerp_(mean, rate)
                self.running_var.lerp_(variance * (count / max(count - 1, 1)), rate)
        return output  # type: ignore[no-any-return]


class _MaskedNormReLU(torch.autograd.Function):
    """torch's own kernel made to count valid positions only; ReLU and mask on its output in place.

    Of M positions m are valid. With the others set to the mean of the valid ones, the mean over all is right and the
    variance is m / M of the right one; so weight and deviation are scaled by sqrt(m / M), and eps by m / M. Backwards,
    what arrives at the filled positions goes on to the mean, and so to every valid position alike.
    """

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, mask: Tensor, count: int, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        total = input.numel() // input.shape[1]
        share = count / total
        kept = input * mask
        mean = kept.sum(dim=(0, 2, 3)) / count
        filled = kept.addcmul_(1 - mask, mean.view(1, -1, 1, 1))
        scaled = weight * share**0.5
        output, centre, scale = torch.native_batch_norm(filled, scaled, bias, None, None, True, 0.0, eps * share)
        output.relu_().mul_(mask)
        ctx.save_for_backward(filled, output, mask, scaled, centre, scale)
        ctx.share, ctx.total, ctx.eps = share, total, eps
        variance = scale.square().reciprocal() / share - eps
        ctx.mark_non_differentiable(mean, variance)
        return output, mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        filled, output, mask, scaled, centre, scale = ctx.saved_tensors
        # 0 wherever the output is 0, so past a length too
        rectified = torch.ops.aten.threshold_backward(gradient, output, 0)
        whole, by_scaled, by_bias = torch.ops.aten.native_batch_norm_backward(
            rectified.contiguous(memory_format=torch.channels_last),
            filled,
            scaled,
            None,
            None,
            centre,
            scale,
            True,
            ctx.eps * ctx.share,
            [True, True, True],
        )
        # a filled position is 0 after normalisation, so what arrives at each is the same
        at_filled = -scaled * scale * by_bias / ctx.total
        towards_mean = at_filled * ((1 - ctx.share) / ctx.share)
        by_input = whole.add_(towards_mean.view(1, -1, 1, 1)).mul_(mask)
        return by_input, None, None, by_scaled * ctx.share**0.5, by_bias, None
