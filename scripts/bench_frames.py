"""Time six reading frames: six passes, one batched pass, and the letters convolved once with codon dilation.

    python scripts/bench_frames.py [--repeats 20]

Fragments of 300 nt through codons to 24 channels, ReLU, 64 filters over 4 codons and a global maximum: the sizes of the
network in configs/coding.yaml.
Per number of fragments: median milliseconds of processor time of six passes, and the other two as a share of them
(median over rounds in which the three alternate in one process, so that whatever else the machine does hits all). A
large tensor is made and dropped first, as reading any data does: after that the allocator keeps pages it is given.
Exits 1 when two forms differ by more than 1e-5.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqpool.nn.frames import FrameSymmetrized
from seqpool.nn.strands import reverse_complement
from seqpool.nn.valid_stack import ValidStack

LETTERS = 300
FRAGMENTS = (1, 32, 256)
CODON_CHANNELS, FILTERS, CODONS = 24, 64, 4
LIMIT = 1e-5


def six_passes(stack: ValidStack, x: Tensor) -> Tensor:
    """What a user writes without FrameSymmetrized: each frame of each strand by itself."""
    best: Tensor | None = None
    for strand in (x, reverse_complement(x)):
        for frame in range(3):
            codons = (x.shape[2] - frame) // 3
            windows = stack(strand[:, :, frame : frame + 3 * codons])
            assert isinstance(windows, Tensor)
            value = windows.amax(2)
            best = value if best is None else torch.maximum(best, value)
    assert best is not None
    return best


def milliseconds(call: Callable[[], object], calls: int) -> float:
    """Mean processor time of a call."""
    start = time.process_time()
    for _ in range(calls):
        call()
    return 1000 * (time.process_time() - start) / calls


def time_table(repeats: int) -> float:
    """Prints the table and returns the largest difference between two forms."""
    torch.manual_seed(0)
    stack = ValidStack(
        nn.Conv1d(4, CODON_CHANNELS, 3, stride=3), nn.ReLU(), nn.Conv1d(CODON_CHANNELS, FILTERS, CODONS)
    ).eval()
    batched, dilated = (FrameSymmetrized(stack, 6, every_letter=every_letter).eval() for every_letter in (False, True))
    torch.zeros(7_000_000)
    worst = 0.0
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), {repeats} rounds")
    print("fragments\tsix_passes_ms\tbatched_over_six\tevery_letter_over_six\tlargest_difference")
    for count in FRAGMENTS:
        x = nn.functional.one_hot(torch.randint(0, 4, (count, LETTERS)), 4).transpose(1, 2).float()
        forms: list[Callable[[], Tensor]] = [
            lambda x=x: six_passes(stack, x), lambda x=x: batched(x), lambda x=x: dilated(x)  # type: ignore[misc]
        ]  # fmt: skip
        with torch.inference_mode():
            answers = [form() for form in forms]
            calls = max(1, 64 // count)
            rounds = [[milliseconds(form, calls) for form in forms] for _ in range(repeats)]
        difference = max(float((answer - answers[0]).abs().max()) for answer in answers[1:])
        worst = max(worst, difference)
        six = statistics.median(one[0] for one in rounds)
        shares = [statistics.median(one[i] / one[0] for one in rounds) for i in (1, 2)]
        print(f"{count}\t{six:.3f}\t{shares[0]:.3f}\t{shares[1]:.3f}\t{difference:.1e}")
    return worst


def main() -> int:
    """Exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="rounds (default: 20)")
    arguments = parser.parse_args()
    return int(time_table(arguments.repeats) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
