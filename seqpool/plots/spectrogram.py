"""A spectrogram with the cells of a network's final map, and what each cell says for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.plots.ecg_paper import figure_type

MOST_FREQUENCIES = 6
"""Marks on the axis of frequencies."""


@dataclass(frozen=True)
class CellPicture:
    """What is drawn of one stretch of sound.

    decibels: (bands, frames). band_hz: (bands,) middle of each band. start_s: of the stretch in the clip; frame_s: from
    frame to frame. evidence: (rows, columns) of the final map, for one class. cell: frames and bands of one cell.
    """

    decibels: NDArray[np.float64]
    band_hz: NDArray[np.float64]
    start_s: float
    frame_s: float
    evidence: NDArray[np.float64]
    cell: tuple[int, int]
    title: str


def draw_cells(picture: CellPicture) -> Any:
    """A `matplotlib.figure.Figure`: the spectrogram above, the evidence below, both with the cells' edges.

    Evidence for the class is red, against it blue. Raises MissingExtraError without matplotlib.
    """
    figure = figure_type()(figsize=(9, 6), dpi=120, facecolor="white", layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, sharey=True)
    bands, frames = picture.decibels.shape
    rows, columns = picture.evidence.shape
    left, step = picture.start_s - picture.frame_s / 2, picture.frame_s
    extent = (left, left + frames * step, 0, bands)
    shown = above.imshow(picture.decibels, origin="lower", aspect="auto", extent=extent, cmap="magma")
    figure.colorbar(shown, ax=above, label="dB")
    most = max(float(np.abs(picture.evidence).max()), 1e-12)
    across = left + np.minimum(np.arange(columns + 1) * picture.cell[0], frames) * step
    upwards = np.minimum(np.arange(rows + 1) * picture.cell[1], bands)
    cells = below.pcolormesh(across, upwards, picture.evidence, cmap="RdBu_r", vmin=-most, vmax=most)
    figure.colorbar(cells, ax=below, label="evidence")
    for axes in (above, below):
        axes.vlines(across, 0, bands, colors="0.6", linewidths=0.5)
        axes.hlines(upwards, extent[0], extent[1], colors="0.6", linewidths=0.5)
        places = np.unique(np.linspace(0, bands - 1, min(MOST_FREQUENCIES, bands)).round().astype(int))
        axes.set_yticks(places + 0.5, [f"{picture.band_hz[place]:.0f}" for place in places])
        axes.set_ylabel("Hz")
    below.set_xlabel("s")
    above.set_title(picture.title, fontsize=9, parse_math=False)
    return figure
