"""The share of decisions that are proven, and that withstand attacks, against the radius."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.io.output import open_binary_output


def shares(
    proven: Sequence[float], attacked: Sequence[float], unit: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Radii, the share of inputs that no attack within each changed, and the share whose proven radius is at least it.

    attacked: the radius of each input's attack, infinite where none succeeded. Letters come in whole numbers.
    """
    radii, found = np.asarray(proven, dtype=float), np.asarray(attacked, dtype=float)
    largest = float(np.concatenate([radii, found[np.isfinite(found)]]).max(initial=0))
    grid = np.arange(largest + 2) if unit == "letters" else np.linspace(0, max(largest * 1.1, 1e-6), 400)
    withstood = (found > grid[:, None]).mean(axis=1)
    return grid, withstood, (radii >= grid[:, None]).mean(axis=1)


def draw_certainty(path: str | Path, proven: Sequence[float], attacked: Sequence[float], unit: str) -> None:
    """Two curves, `shares`; the truth lies between them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    grid, withstood, certain = shares(proven, attacked, unit)
    figure, axes = pyplot.subplots(figsize=(5, 3.5))
    if unit == "letters":
        axes.plot(grid, withstood, "o:", label="withstand the attack", color="#c0504d", markersize=9, fillstyle="none")
        axes.plot(grid, certain, "o:", label="proven", color="#1f4e79", markersize=4)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.plot(grid, withstood, label="withstand the attack", color="#c0504d")
        axes.plot(grid, certain, label="proven", color="#1f4e79")
        axes.set_xlim(0, grid[-1])
    axes.set(xlabel=f"radius ({unit})", ylabel="share of decisions", ylim=(0, 1.04))
    axes.legend(frameon=False)
    figure.tight_layout()
    ending = Path(path).suffix.lstrip(".").lower() or "svg"
    with open_binary_output(path) as stream:
        figure.savefig(stream, format=ending, metadata={"Date": None} if ending == "svg" else None)
    pyplot.close(figure)
