"""The share of decisions that are proven, and that withstand attacks, against the radius."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqpool.io.output import open_binary_output


def draw_certainty(path: str | Path, proven: Sequence[float], attacked: Sequence[float], unit: str) -> None:
    """Two curves: the share of inputs whose proven radius is at least r, and of those that no attack within r changed.

    attacked: the radius of each input's attack, infinite where none succeeded. The truth lies between the curves.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    radii, found = np.asarray(proven, dtype=float), np.asarray(attacked, dtype=float)
    ends = np.concatenate([radii, found[np.isfinite(found)]])
    grid = np.linspace(0, max(float(ends.max(initial=0)) * 1.1, 1e-6), 400)
    figure, axes = pyplot.subplots(figsize=(5, 3.5))
    axes.plot(grid, [(found > r).mean() for r in grid], label="withstand the attack", color="#c0504d")
    axes.plot(grid, [(radii >= r).mean() for r in grid], label="proven", color="#1f4e79")
    axes.set(xlabel=f"radius ({unit})", ylabel="share of decisions", ylim=(0, 1.02), xlim=(0, grid[-1]))
    axes.legend(frameon=False)
    figure.tight_layout()
    ending = Path(path).suffix.lstrip(".").lower() or "svg"
    with open_binary_output(path) as stream:
        figure.savefig(stream, format=ending, metadata={"Date": None} if ending == "svg" else None)
    pyplot.close(figure)
