"""Batch normalisation over valid positions only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqpool.nn.intervals import normalisation_interval
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import mask_from_lengths


class MaskedBatchNorm1d(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` (Ioffe & Szegedy 2015) whose moments count only positions before each row's length.

    Equals BatchNorm1d on the concatenated valid positions. Moments are taken in two passes: the one-pass variance in
    float32 is 0 for a mean of 1000 and a deviation of 0.01. A batch without any valid position leaves the running
    moments as they are.
    """

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, C, L) to (N, C, L); positions past a length hold arbitrary finite values."""
        if lengths is None or not self.training:
            return super().forward(input)
        valid = mask_from_lengths(lengths, input.shape[2]).unsqueeze(1)
        count = valid.sum().clamp(min=1)
        kept = torch.where(valid, input, torch.zeros_like(input))
        mean = kept.sum(dim=(0, 2)) / count
        centred = torch.where(valid, input - mean[:, None], torch.zeros_like(input))
        variance = centred.square().sum(dim=(0, 2)) / count
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                assert self.num_batches_tracked is not None
                self.num_batches_tracked.add_(1)
                step = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
                rate = torch.where(valid.any(), step, 0.0)
                unbiased = variance * (count / (count - 1).clamp(min=1))
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate.to(self.running_mean.dtype))
                self.running_var.lerp_(unbiased.to(self.running_var.dtype), rate.to(self.running_var.dtype))
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        output = centred * scale[:, None]
        return output if self.bias is None else output + self.bias[:, None]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box (N, C, L) under this layer in evaluation, attained but for rounding."""
        return Bounds(*normalisation_interval(self, lower, upper), lengths)
