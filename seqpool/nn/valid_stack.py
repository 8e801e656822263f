"""Convolutions without padding one after the other, which can also be run at every letter at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.intervals import interval_of
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.pooling.geometry import Geometry, conv_geometry, stack
from seqpool.pooling.intervals import Bounds

_OF_SINGLE_POSITIONS = (
    nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Identity, nn.Dropout, nn.Dropout1d,
)  # fmt: skip


class ValidStack(nn.Sequential):
    """Convolutions without padding and layers of single positions: what a window gives depends on its letters alone.

    Takes (N, C, L) and gives the windows (N, C', L'), with lengths (N,) the pair with the new lengths. An input shorter
    than a window is lengthened with zeros, so that it gives one window, which does not count.

    Args:
        layers: `torch.nn.Conv1d` without padding, activations, dropout, `MaskedBatchNorm1d`.

    Raises:
        UsageError: any other layer.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        each = [_geometry(layer) for layer in layers]
        self.geometry = stack(each)
        self.geometries = [stack(each[: i + 1]) for i in range(len(each))]

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Every window, as far apart as the strides say."""
        x = self._long_enough(input)
        for layer, before in zip(self, [Geometry(), *self.geometries], strict=False):
            if isinstance(layer, MaskedBatchNorm1d):
                x = layer(x, None if lengths is None else _windows(lengths, before, int(before.jump)))
            else:
                x = layer(x)
        return x if lengths is None else (x, _windows(lengths, self.geometry, int(self.geometry.jump)))

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of every window while the input stays in a box."""
        bounds = Bounds(self._long_enough(lower), self._long_enough(upper))
        for layer in self:
            bounds = interval_of(layer, bounds.lower, bounds.upper)
        own = None if lengths is None else _windows(lengths, self.geometry, int(self.geometry.jump))
        return bounds._replace(lengths=own)

    def at_every_letter(self, input: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """The window at every letter, (N, C', L - receptive field + 1); with lengths the pair with how many count.

        Every stride is taken out and multiplies the dilation of the layers after it (Holschneider et al. 1989), so that
        window i is the first one that the stack gives for the letters from i on. The rows go through as one long row,
        which convolves two to three times faster on a CPU; windows that span two of them are cut out at the end.
        """
        x = self._long_enough(input)
        if x.shape[0] == 0:  # one row without a letter, cut off again
            none = self.at_every_letter(x.new_zeros(1, *x.shape[1:]), torch.zeros(1, dtype=torch.int64))[0][:0]
            return none if lengths is None else (none, lengths)
        rows, letters = x.shape[0], x.shape[2]
        field = int(self.geometry.receptive_field)
        x = F.pad(x.transpose(0, 1).flatten(1), (0, field - 1)).unsqueeze(0)
        for layer, before in zip(self, [Geometry(), *self.geometries], strict=False):
            if isinstance(layer, nn.Conv1d):
                dilation = layer.dilation[0] * int(before.jump)
                x = F.conv1d(x, layer.weight, layer.bias, dilation=dilation, groups=layer.groups)
            elif isinstance(layer, MaskedBatchNorm1d) and layer.training:
                beyond = x[:, :, rows * letters :]
                inside = x[0, :, : rows * letters].view(-1, rows, letters).transpose(0, 1)
                whole = torch.full((rows,), letters, device=x.device) if lengths is None else lengths
                inside = layer(inside, _windows(whole, before, 1))
                x = torch.cat([inside.transpose(0, 1).flatten(1).unsqueeze(0), beyond], dim=2)
            else:
                x = layer(x)
        windows = x[0].view(-1, rows, letters)[:, :, : letters - field + 1].transpose(0, 1)
        return windows if lengths is None else (windows, _windows(lengths, self.geometry, 1))

    def _long_enough(self, x: Tensor) -> Tensor:
        missing = int(self.geometry.receptive_field) - x.shape[2]
        return F.pad(x, (0, missing)) if missing > 0 else x


def _windows(lengths: Tensor, geometry: Geometry, step: int) -> Tensor:
    """How many windows of a row lie within its length."""
    span = lengths - int(geometry.receptive_field)
    steps = span if step == 1 else span.div(step, rounding_mode="floor")
    return (steps + 1).clamp(min=0)


def _geometry(layer: nn.Module) -> Geometry:
    """Geometry of a layer that a stack can hold. Raises UsageError for any other."""
    if isinstance(layer, nn.Conv1d) and layer.padding in ((0,), "valid"):
        return conv_geometry(layer.kernel_size[0], layer.stride[0], dilation=layer.dilation[0])
    if isinstance(layer, (*_OF_SINGLE_POSITIONS, MaskedBatchNorm1d)):
        return Geometry()
    raise UsageError(
        f"a ValidStack cannot hold {layer}, expected convolutions without padding, activations, dropout or "
        "MaskedBatchNorm1d."
    )
