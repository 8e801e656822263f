"""Make docs/pooling.md and its pictures from the operators' own files.

    python scripts/make_pooling_gallery.py [--folder docs]

One section for each file of seqpool/pooling/operators: its docstring, a picture (a signal with the output, the
gradient, the answer to a shift by one sample) and six lines of code. The text around them stands below.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqpool import pooling
from seqpool.pooling import operators
from seqpool.pooling.choice import OPERATORS, parameter_names
from seqpool.pooling.modules import PoolingModule

EXAMPLES = {
    "maximum": "MaxPool1d(4)",
    "minimum": "MinPool1d(4)",
    "average": "AvgPool1d(4)",
    "sum": "SumPool1d(4)",
    "median": "MedianPool1d(4)",
    "lp": "LPPool1d(2.0, 4)",
    "generalised_mean": "GeneralisedMeanPool1d(4, p=3.0)",
    "log_mean_exp": "LogMeanExpPool1d(4, temperature=0.3)",
    "softmax": "SoftmaxPool1d(4, temperature=0.3)",
    "top_k": "TopKPool1d(4, k=2)",
    "stochastic": "StochasticPool1d(4)",
    "attention": "AttentionPool1d(1, 4, hidden=8)",
    "mixed": "MixedPool1d(4, weight=0.5)",
    "max_average": "MaxAveragePool1d(4)",
    "mean_std": "MeanStdPool1d(4)",
    "strided_convolution": "StridedConvPool1d(1, 4)",
    "blur": "BlurPool1d(4)",
    "max_blur": "MaxBlurPool1d(4)",
    "polyphase": "PolyphasePool1d(4)",
    "adaptive": "AdaptiveMaxPool1d(12)",
}
"""What is drawn and shown for each file, in the order of the page."""

INTRODUCTION = """# Pooling

*Made by `scripts/make_pooling_gallery.py` from the files of `seqpool/pooling/operators`; change those, not this page.*

A batch is `x` (N, C, L) with `lengths` (N,). Every operator is a pure function and a module whose `repr` is its
constructor call. A tensor in gives a tensor out; with `lengths` a local operator gives the pair (output, new lengths),
where each new length is the output length of that row alone, and positions past it hold 0. A global operator removes
the axis, so no length is left and it gives the tensor alone.

- **Padding never matters.** What lies past a row's length may be NaN or infinite: it reaches neither values nor
  gradients. A row gives the same result alone, padded, and in any batch.
- **Nothing to pool gives 0**, with gradient 0: an empty row, and a window that holds no valid position.
- **Ties go to the first position**, in every operator that picks.
- **`axis`** pools another axis of a map, or two, one after the other, where that is exact (`axis=(2, 3)`); where it is
  not, the error says so. Lengths belong to the last axis named.
- Half precision sums in single precision. Everything runs under `torch.compile(fullgraph=True)`, `torch.export` and
  `torch.use_deterministic_algorithms(True)`.

In a config an operator is chosen by name, `pool: max` or `pool: {name: lp, p: 3}`; in code by
`seqpool.pooling.local_pool(choice, kernel_size, stride, channels)` and `global_pool(choice, channels)`.

"""

GEOMETRY = """## Geometry

Every local module has a `geometry`: `jump`, `receptive_field` and `start`, in input samples. Output t sees the inputs
from `t * jump + start` to `t * jump + start + receptive_field - 1`. Geometries compose: `a >> b` is first a, then b.

```python
from seqpool.pooling import MaxPool1d, conv_geometry
from seqpool.pooling.geometry import commutes_with_reversal, heartbeats, stack

block = conv_geometry(7, padding=3) >> MaxPool1d(2).geometry
encoder = stack([block] * 4)
print(encoder.receptive_field, heartbeats(encoder.receptive_field, rate_hz=100))
print(commutes_with_reversal(encoder, 256))
```

`seqpool.pooling.geometry` also has branches, upsampling, whole codons, attenuation in dB and parameter counts.

In the pictures below: left, a signal (grey) and the output (blue; a second channel in orange), each value over the
samples it stands for; middle, the gradient of the sum of all outputs; right, the output before (blue) and after (red)
the signal moves by one sample, with the mean change over the standard deviation of the output.

"""

SHIFT = """## What a shift by one sample does to a network

Four blocks of convolution (width 7), batch norm, ReLU and pooling by 2, then a global average: the class of a beat from
2.5 s at 100 Hz, MIT-BIH DS1, every sixth beat, four folds of patients. Change is the mean change of the logits over
their standard deviation when the window moves by one sample; `scripts/bench_shift.py` makes the table (`--seeds 1`, and
`--only maximum "max-blur, 4 taps"` for three seeds).

| pooling | change | decisions flipped | accuracy | seeds |
|---|---|---|---|---|
| maximum | .189 ± .002 | 4.3 ± .5 % | .906 ± .003 | 3 |
| max-blur, 4 taps | .073 ± .005 | 0.9 ± .1 % | .903 ± .001 | 3 |
| max-blur, 3 taps | .111 | 2.1 % | .905 | 1 |
| average | .112 | 2.0 % | .901 | 1 |
| strided convolution | .136 | 2.6 % | .905 | 1 |
| polyphase | .038 | 0.6 % | .902 | 1 |

Blur before samples are dropped takes away three fifths of the change at four taps, for a third of a point of accuracy,
and two fifths at three. Five taps, tried on two folds and two seeds, left .13 to .21 of the change of the maximum and
lost 0 to 2.6 points.
"""

PANEL, HEIGHT, GAP = 250, 130, 18
INK, GREY, BLUE, ORANGE, RED = "#333333", "#9a9a9a", "#0072b2", "#e69f00", "#d55e00"


def signal() -> np.ndarray:
    """49 samples: two bumps, a dip and some noise; the picture uses the first 48, the shift the last 48."""
    time = np.arange(49)
    bumps = 1.6 * np.exp(-(((time - 13.3) / 2.2) ** 2)) + np.exp(-(((time - 33.6) / 4.5) ** 2))
    dip = -1.1 * np.exp(-(((time - 23.4) / 1.6) ** 2))
    return np.round(bumps + dip + 0.12 * np.random.default_rng(3).normal(size=49), 3)


def spans(module: PoolingModule, count: int) -> list[tuple[float, float]]:
    """From where to where each output is drawn: one jump around its centre."""
    if isinstance(module, pooling.AdaptiveMaxPool1d):
        return [(48 * i / count - 0.5, 48 * (i + 1) / count - 0.5) for i in range(count)]
    half = float(module.geometry.jump) / 2
    centres = [float(module.geometry.centre(index)) for index in range(count)]
    return [(centre - half, centre + half) for centre in centres]


class Panel:
    """One of the three drawings of a picture: data coordinates in, SVG elements out."""

    def __init__(self, index: int, title: str, values: np.ndarray) -> None:
        self.left = index * (PANEL + GAP)
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        self.low, self.scale = low, (HEIGHT - 34) / ((high - low) or 1)
        self.elements = [
            f'<text x="{self.left}" y="11" fill="{INK}">{title}</text>',
            self.line([(-0.5, 0), (47.5, 0)], "#dddddd", 1),
        ]

    def at(self, x: float, y: float) -> str:
        return f"{self.left + (x + 0.5) / 48 * PANEL:.1f},{HEIGHT - 8 - (y - self.low) * self.scale:.1f}"

    def line(self, points: list[tuple[float, float]], colour: str, width: float) -> str:
        path = " ".join(self.at(*point) for point in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    def draw(self, points: list[tuple[float, float]], colour: str, width: float = 1.5) -> None:
        self.elements.append(self.line(points, colour, width))


def picture(module: PoolingModule) -> str:
    """The three panels of one operator as SVG."""
    values = signal()
    leaf = torch.tensor(values[None, None, :48], dtype=torch.float64, requires_grad=True)
    output: Tensor = module(leaf)
    (gradient,) = torch.autograd.grad(output.sum(), leaf)
    before = output.detach()[0].numpy()
    after = module(torch.tensor(values[None, None, 1:], dtype=torch.float64)).detach()[0].numpy()
    places = spans(module, before.shape[1])
    change = np.abs(after - before).mean() / before.std()
    first = Panel(0, "signal and output", np.concatenate([values, before.ravel()]))
    first.draw(list(enumerate(values[:48])), GREY, 1)
    for row, colour in zip(before, (BLUE, ORANGE), strict=False):
        for value, (start, stop) in zip(row, places, strict=True):
            first.draw([(start, value), (stop, value)], colour, 2.5)
    slopes = gradient[0, 0].numpy()
    second = Panel(1, f"gradient, sum {slopes.sum():.2f}", slopes)
    for index, slope in enumerate(slopes):
        if slope:
            second.draw([(index, 0), (index, slope)], INK, 2.5)
    third = Panel(2, f"moved by one sample: change {change:.2f}", np.concatenate([before, after]).ravel())
    for row, colour in [(row, BLUE) for row in before] + [(row, RED) for row in after]:
        middles = [(start + stop) / 2 for start, stop in places]
        third.draw(list(zip(middles, row, strict=True)), colour)
    width = 3 * PANEL + 2 * GAP
    elements = "\n".join(first.elements + second.elements + third.elements)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="{width}" height="{HEIGHT}" fill="white"/>\n'
        f"{elements}\n</svg>\n"
    )


def build(code: str) -> PoolingModule:
    """The module of an example, in double precision and evaluation mode, its parameters always the same."""
    torch.manual_seed(0)
    module = eval(code, vars(pooling))
    assert isinstance(module, PoolingModule)
    return module.double().eval()


def section(name: str, folder: Path) -> str:
    """One operator: heading, docstring, picture, code."""
    source = (Path(operators.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    title, *paragraphs = docstring.split("\n\n")
    heading, _, claim = title.replace("\n", " ").partition(": ")
    code = EXAMPLES[name].replace("(1, ", "(16, ") if name in ("attention", "strided_convolution") else EXAMPLES[name]
    (folder / f"{name}.svg").write_text(picture(build(EXAMPLES[name])), encoding="utf-8")
    claim = claim[0].upper() + claim[1:]
    body = "\n\n".join([claim, *paragraphs])
    return f"""## {heading}

{body}

![{heading}](pooling/{name}.svg)

```python
import torch
from seqpool.pooling import {code.partition("(")[0]}

pool = {code}
output, lengths = pool(torch.randn(4, 16, 100), torch.tensor([100, 60, 7, 0]))
print(pool, tuple(output.shape), lengths.tolist())
```

"""


def names() -> str:
    """The table of names that a config may use."""
    lines = ["| name | local | global | parameters |", "|---|---|---|---|"]
    for name, operator in OPERATORS.items():
        modules = [module for module in (operator.local, operator.whole) if module]
        parameters = sorted({key for module in modules for key in parameter_names(name, module)})
        local = f"`{operator.local.__name__}`" if operator.local else ""
        whole = f"`{operator.whole.__name__}`" if operator.whole else ""
        lines.append(f"| `{name}` | {local} | {whole} | {', '.join(f'`{key}`' for key in parameters)} |")
    return "\n".join(lines) + "\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    folder: Path = parser.parse_args().folder
    files = {path.stem for path in Path(operators.__path__[0]).glob("*.py")} - {"__init__"}
    if files != set(EXAMPLES):
        raise SystemExit(f"operators without an example, or the reverse: {sorted(files ^ set(EXAMPLES))}")
    (folder / "pooling").mkdir(parents=True, exist_ok=True)
    sections = "".join(section(name, folder / "pooling") for name in EXAMPLES)
    page = INTRODUCTION + names() + GEOMETRY + sections.rstrip("\n") + "\n\n" + SHIFT
    (folder / "pooling.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
