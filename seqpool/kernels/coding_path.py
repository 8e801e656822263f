"""The likeliest way through a sequence in seven states: no coding, or one of six frames; codon by codon, as a stream.

Source: Viterbi 1967; decided as far as all survivors agree (Šrámek, Brejová and Vinař 2007, arXiv:0704.0062).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled

STATES = 7

Steps = NDArray[np.uint8]
Evidence = NDArray[np.float32]
Flags = NDArray[np.bool_]


@compiled
def extend_paths(
    evidence: Evidence,
    stops: Flags,
    enter_cost: float,
    open_cost: float,
    totals: NDArray[np.float64],
    steps: Steps,
) -> None:
    """One more step for each codon.

    evidence: (codons, 6) log-odds of each frame's codon. stops: (codons + 1, 6) which are stops, from the codon before
    the first one on. totals: (7,) of the best path that ends in each state, changed in place; no coding is kept at 0.
    steps: (codons, 7) is given the state that each state's best path comes from.
    A region costs `enter_cost`, and `open_cost` more where no stop codon follows its last codon: a frame of the forward
    strand (states 1 to 3) is left there, one of the reverse strand (4 to 6) is entered.
    """
    for codon in range(evidence.shape[0]):
        best = 0
        top = totals[0]
        for state in range(1, STATES):
            total = totals[state]
            if state <= 3 and not stops[codon + 1, state - 1]:
                total -= open_cost
            if total > top:
                best, top = state, total
        totals[0] = 0.0
        steps[codon, 0] = best
        for state in range(1, STATES):
            enter = -enter_cost
            if state > 3 and not stops[codon, state - 1]:
                enter -= open_cost
            stay = totals[state] - top
            if stay >= enter:
                steps[codon, state] = state
                totals[state] = stay + evidence[codon, state - 1]
            else:
                steps[codon, state] = best
                totals[state] = enter + evidence[codon, state - 1]


@compiled
def agreed(steps: Steps) -> tuple[int, int]:
    """(codon, state): up to which codon the best paths into all seven last states are one, and its state there.

    steps: (codons, 7). The codon is -1 where they have nothing in common.
    """
    states = np.arange(STATES)
    for codon in range(steps.shape[0] - 1, -1, -1):
        same = True
        for place in range(STATES):
            states[place] = steps[codon, states[place]]
            if states[place] != states[0]:
                same = False
        if same:
            return codon - 1, int(states[0])
    return -1, int(states[0])


@compiled
def traced(steps: Steps, codon: int, state: int) -> Steps:
    """(codon + 1,) states of the path that is in `state` at `codon`, back to the first."""
    path = np.empty(codon + 1, dtype=np.uint8)
    for place in range(codon, -1, -1):
        path[place] = state
        state = steps[place, state]
    return path
