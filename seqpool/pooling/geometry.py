"""Where outputs look: receptive field, jump and start of any stack, as one value that composes.

Output t of a stack sees the inputs from `t * jump + start` to `t * jump + start + receptive_field - 1`; its centre is
`t * jump + start + (receptive_field - 1) / 2`. Araujo, Norris & Sim, "Computing receptive fields of convolutional
neural networks", Distill 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from seqpool.errors import UsageError

Steps = int | Fraction
"""A number of input samples; fractions arise only from upsampling."""


def _whole(value: Steps) -> Steps:
    return int(value) if value == int(value) else Fraction(value)


@dataclass(frozen=True)
class Geometry:
    """Which inputs an output sees; `Geometry()` is the identity and `a >> b` is first a, then b.

    Attributes:
        jump: input samples between two neighbouring outputs.
        receptive_field: input samples that one output sees.
        start: first input that output 0 sees; negative when it lies in the padding.
    """

    jump: Steps = 1
    receptive_field: Steps = 1
    start: Steps = 0

    def __post_init__(self) -> None:
        if self.jump <= 0 or self.receptive_field <= 0:
            raise UsageError(
                f"a geometry needs a jump and a receptive field above 0, got {self.jump} and {self.receptive_field}."
            )
        for name in ("jump", "receptive_field", "start"):
            object.__setattr__(self, name, _whole(getattr(self, name)))

    def __rshift__(self, then: Geometry) -> Geometry:
        return Geometry(
            jump=self.jump * then.jump,
            receptive_field=self.receptive_field + (then.receptive_field - 1) * self.jump,
            start=self.start + then.start * self.jump,
        )

    def inputs_seen(self, output: int) -> tuple[Steps, Steps]:
        """First and last input that `output` sees, both included."""
        first = _whole(output * self.jump + self.start)
        return first, _whole(first + self.receptive_field - 1)

    def centre(self, output: int = 0) -> Steps:
        """Input position in the middle of what `output` sees; half positions are possible."""
        return _whole(Fraction(output * self.jump + self.start) + Fraction(self.receptive_field - 1) / 2)


def conv_geometry(kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Geometry:
    """Geometry of a convolution or of pooling over windows; `padding` is the one on the left."""
    return Geometry(jump=stride, receptive_field=dilation * (kernel_size - 1) + 1, start=-padding)


def upsample_geometry(factor: int) -> Geometry:
    """Geometry of upsampling by a whole factor as torch does it with align_corners=False (nearest or linear).

    Output t is centred on input (t + 1/2) / factor - 1/2; what linear interpolation sees beside its centre is not
    counted.
    """
    return Geometry(jump=Fraction(1, factor), start=Fraction(1 - factor, 2 * factor))


def stack(layers: list[Geometry]) -> Geometry:
    """Geometry of layers one after the other; the identity for no layers."""
    return reduce(Geometry.__rshift__, layers, Geometry())


def branches(paths: list[Geometry]) -> Geometry:
    """Geometry of parallel paths whose outputs are added or concatenated; all must have the same jump."""
    if not paths or len({path.jump for path in paths}) != 1:
        raise UsageError(f"branches that are joined need one jump, got {sorted({str(path.jump) for path in paths})}.")
    first = min(path.start for path in paths)
    end = max(path.start + path.receptive_field for path in paths)
    return Geometry(jump=paths[0].jump, receptive_field=end - first, start=first)


def output_length(
    length: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """Number of windows over `length` positions, by torch's rule; 0 when the first window does not fit or the row is
    empty.

    Floor mode: floor((L + 2p - Ke) / s) + 1 with Ke = d (k - 1) + 1. Ceil mode: rounded up, but the last window must
        start
    inside the input or its left padding.
    """
    span = length + 2 * padding - dilation * (kernel_size - 1) - 1
    if length == 0:
        return 0
    if not ceil_mode:
        return max(0, span // stride + 1)
    count = -(-span // stride) + 1
    if (count - 1) * stride >= length + padding:
        count -= 1
    return max(0, count)


def commutes_with_reversal(geometry: Geometry, length: int) -> bool:
    """Whether a stack of floor-mode layers with symmetric padding commutes with reversal of `length` positions.

    It does exactly when the windows reach as far past the right end as past the left one:
    (L - 2 start - receptive_field) mod jump == 0.
    """
    return (length - 2 * geometry.start - geometry.receptive_field) % geometry.jump == 0


def seconds(samples: Steps, rate_hz: float) -> float:
    """Duration in seconds of a number of samples at `rate_hz`."""
    return float(samples) / rate_hz


def heartbeats(samples: Steps, rate_hz: float, heart_rate_bpm: float = 75.0) -> float:
    """How many heartbeats of `heart_rate_bpm` a number of samples spans."""
    return seconds(samples, rate_hz) * heart_rate_bpm / 60


def whole_codons(nucleotides: int) -> tuple[int, int]:
    """Whole codons inside a window of that many nucleotides: (in the worst phase, in the best phase)."""
    return max(0, (nucleotides - 2) // 3), nucleotides // 3


def attenuation_db(taps: list[float], frequency: float) -> float:
    """Gain in dB of a filter at `frequency` in radians per sample; -inf where the filter removes it.

    The frequencies that matter before keeping every s-th sample are pi / s, the edge of what folds, and the multiples
    of 2 pi / s, which fold onto the constant.
    """
    real = math.fsum(tap * math.cos(frequency * index) for index, tap in enumerate(taps))
    imaginary = math.fsum(tap * math.sin(frequency * index) for index, tap in enumerate(taps))
    gain = math.hypot(real, imaginary) / abs(math.fsum(taps))
    return -math.inf if gain < 1e-14 else 20 * math.log10(gain)


def dense_parameters(inputs: int, outputs: int) -> int:
    """Parameters of a dense layer: weights and biases."""
    return (inputs + 1) * outputs


def conv_parameters(inputs: int, outputs: int, kernel_size: int, dimensions: int = 1) -> int:
    """Parameters of a convolution with the same kernel size in every dimension: weights and biases."""
    return (inputs * math.prod([kernel_size] * dimensions) + 1) * outputs


def head_parameters(channels: int, positions: int, classes: int) -> tuple[int, int]:
    """Parameters of a dense head over (channels, positions): (flattened, after global pooling)."""
    return dense_parameters(channels * positions, classes), dense_parameters(channels, classes)


def receptive_field_warnings(
    geometry: Geometry, length: int, rate_hz: float | None = None, heart_rate_bpm: float = 75.0
) -> list[str]:
    """Sentences for a reader about a receptive field that is shorter than a beat or longer than the recording.

    Args:
        geometry: of the whole stack before global pooling.
        length: samples of one recording.
        rate_hz: sampling rate of an ECG, or None when the input is no recording of a heart.
    """
    sentences = []
    field = geometry.receptive_field
    if rate_hz is not None and heartbeats(field, rate_hz, heart_rate_bpm) < 1:
        sentences.append(
            f"The receptive field of {field} samples ({seconds(field, rate_hz):.3g} s) is shorter than one beat at "
            f"{heart_rate_bpm:g} beats per minute ({60 / heart_rate_bpm:.3g} s)."
        )
    if field > length:
        sentences.append(
            f"The receptive field of {field} samples is longer than the {length} samples of the recording."
        )
    return sentences
