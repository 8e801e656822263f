"""Random targets, scores and weights as Hypothesis strategies, ties and rare classes included."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

ROWS = st.integers(2, 30)
TIED = st.integers(0, 8).map(lambda eighths: eighths / 8)
PROBABILITY = TIED | st.floats(0, 1, width=32, allow_subnormal=False)
WEIGHT = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])


@st.composite
def labels_scores_weights(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Target (rows,) of 0, 1 and NaN; probabilities (rows,), weights (rows,)."""
    rows = draw(ROWS)
    target = draw(arrays(np.float64, rows, elements=st.sampled_from([0.0, 1.0, 0.0, 1.0, float("nan")])))
    return (
        target,
        draw(arrays(np.float64, rows, elements=PROBABILITY)),
        draw(arrays(np.float64, rows, elements=WEIGHT)),
    )


@st.composite
def class_cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Target (rows,) of class indices and NaN; probabilities (rows, classes) that sum to 1; weights (rows,)."""
    rows, classes = draw(ROWS), draw(st.integers(2, 5))
    index = st.integers(0, classes - 1).map(float)
    target = draw(arrays(np.float64, rows, elements=index | index | st.just(float("nan"))))
    raw = draw(arrays(np.float64, (rows, classes), elements=PROBABILITY)) + 0.01
    return target, raw / raw.sum(axis=1, keepdims=True), draw(arrays(np.float64, rows, elements=WEIGHT))
