"""Time every pooling operator, forward and backward, against torch.

    python scripts/bench_pooling.py [--shape 64 128 1000] [--repeats 9] [--only max "lp, p = 2"]

One table, all in one process. The forms of a row take turns, so that whatever else the machine does hits each, and the
ratio is the median over turns of ours divided by torch's of the same turn: of processor time, and in brackets of wall
time. Without lengths, and with lengths between half and all of L. Where torch.nn has the operator it is the measure
(limits 1.2, and 1.6 with lengths); else the numerically equal expression in plain torch that is fastest of those we
know, written out below (limit 1.1; it knows no lengths, so those are shown without a limit).
"""

from __future__ import annotations

import argparse
import ctypes
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from seqpool import pooling
from seqpool.pooling.operators.attention import attention_pool1d, global_attention_pool1d

Forward = Callable[[Tensor], Tensor]
K, S, T = 3, 2, 0.7  # window, stride and temperature wherever an operator has them


@dataclass(frozen=True)
class Row:
    """One comparison: `ours(x, **lengths)` against torch."""

    ours: Callable[..., Any]
    theirs: Forward
    counterpart: bool = False  # torch.nn has the operator


def windows(x: Tensor) -> Tensor:
    return x.unfold(-1, K, S)


def two_middle(x: Tensor) -> Tensor:
    size = x.shape[-1]
    return (x.kthvalue((size + 1) // 2, -1).values + x.kthvalue(size // 2 + 1, -1).values) / 2


def log_mean_exp(w: Tensor) -> Tensor:
    return T * (torch.logsumexp(w / T, -1) - math.log(w.shape[-1]))


def softmax_mean(w: Tensor) -> Tensor:
    return ((w / T).softmax(-1) * w).sum(-1)


def expectation(x: Tensor, mean: Forward) -> Tensor:
    sizes = x.relu()
    total = mean(sizes)
    return mean(sizes * sizes) / torch.where(total == 0, 1.0, total)


def power_mean(x: Tensor, p: float, mean: Forward) -> Tensor:
    """The largest magnitude of all is factored out; what is far smaller is lost, as it is in LPPool1d."""
    scale = x.detach().abs().amax()
    return mean((x / scale).abs() ** p) ** (1 / p) * scale


def scaled_norm(x: Tensor, p: float) -> Tensor:
    scale = x.detach().abs().amax(-1, keepdim=True)
    return torch.linalg.vector_norm(x / scale, p, -1) * scale.squeeze(-1)


def top_mean(x: Tensor) -> Tensor:
    return x.topk(2, -1).values.mean(-1)


def mean_and_deviation(x: Tensor) -> Tensor:
    mean = functional.avg_pool1d(x, K, S)
    variance = (windows(x) - mean.unsqueeze(-1)).square().mean(-1)
    return torch.cat([mean, variance.sqrt()], 1)


def blurred(x: Tensor) -> Tensor:
    kernel = torch.tensor([0.25, 0.5, 0.25]).expand(x.shape[1], 1, 3)
    return functional.conv1d(functional.pad(x, (1, 1), "reflect"), kernel, stride=2, groups=x.shape[1])


def strongest_comb(x: Tensor) -> Tensor:
    combs = x.unflatten(-1, (-1, 2))
    chosen = combs.detach().square().sum((1, 2)).argmax(1)
    return combs.gather(3, chosen.reshape(-1, 1, 1, 1).expand(*combs.shape[:3], 1)).squeeze(3)


def rows(scores: Tensor, weight: Tensor) -> dict[str, Row]:
    """Every operator, local and global."""
    p = pooling
    f = functional
    return {
        "max": Row(lambda x, **k: p.max_pool1d(x, K, S, **k), lambda x: f.max_pool1d(x, K, S), True),
        "max, padded": Row(lambda x, **k: p.max_pool1d(x, 3, 2, 1, **k), lambda x: f.max_pool1d(x, 3, 2, 1), True),
        "average": Row(lambda x, **k: p.avg_pool1d(x, K, S, **k), lambda x: f.avg_pool1d(x, K, S), True),
        "average, padded": Row(
            lambda x, **k: p.avg_pool1d(x, 3, 2, 1, **k),
            lambda x: f.avg_pool1d(x, 3, 2, 1, count_include_pad=False), True,
        ),
        "lp, p = 2": Row(lambda x, **k: p.lp_pool1d(x, 2.0, K, S, **k), lambda x: f.lp_pool1d(x, 2.0, K, S), True),
        "lp, p = 4": Row(lambda x, **k: p.lp_pool1d(x, 4.0, K, S, **k), lambda x: f.lp_pool1d(x, 4.0, K, S), True),
        "strided convolution": Row(
            lambda x, **k: p.strided_conv_pool1d(x, weight, S, **k),
            lambda x: f.conv1d(x, weight.unsqueeze(1), stride=S, groups=x.shape[1]), True,
        ),
        "adaptive average": Row(
            lambda x, **k: p.adaptive_avg_pool1d(x, 10, **k), lambda x: f.adaptive_avg_pool1d(x, 10), True,
        ),
        "adaptive max": Row(
            lambda x, **k: p.adaptive_max_pool1d(x, 10, **k), lambda x: f.adaptive_max_pool1d(x, 10), True,
        ),
        "global max": Row(p.global_max_pool1d, lambda x: f.adaptive_max_pool1d(x, 1), True),
        "global average": Row(p.global_avg_pool1d, lambda x: f.adaptive_avg_pool1d(x, 1), True),
        "min": Row(lambda x, **k: p.min_pool1d(x, K, S, **k), lambda x: -f.max_pool1d(-x, K, S)),
        "sum": Row(lambda x, **k: p.sum_pool1d(x, K, S, **k), lambda x: f.avg_pool1d(x, K, S) * K),
        "median": Row(lambda x, **k: p.median_pool1d(x, K, S, **k), lambda x: windows(x).median(-1).values),
        "generalised mean": Row(
            lambda x, **k: p.generalised_mean_pool1d(x, K, S, **k),
            lambda x: power_mean(x, 3.0, lambda y: f.avg_pool1d(y, K, S)),
        ),
        "log-mean-exp": Row(
            lambda x, **k: p.log_mean_exp_pool1d(x, K, S, temperature=T, **k), lambda x: log_mean_exp(windows(x)),
        ),
        "softmax": Row(
            lambda x, **k: p.softmax_pool1d(x, K, S, temperature=T, **k), lambda x: softmax_mean(windows(x)),
        ),
        "stochastic": Row(
            lambda x, **k: p.stochastic_pool1d(x, K, S, **k),
            lambda x: expectation(x, lambda y: f.avg_pool1d(y, K, S)),
        ),
        "top-k mean": Row(lambda x, **k: p.top_k_pool1d(x, K, S, **k), lambda x: top_mean(windows(x))),
        "attention": Row(
            lambda x, **k: attention_pool1d(x, scores, K, S, **k),
            lambda x: (windows(scores).softmax(-1) * windows(x)).sum(-1),
        ),
        "mixed": Row(
            lambda x, **k: p.mixed_pool1d(x, K, S, weight=0.3, **k),
            lambda x: 0.3 * f.max_pool1d(x, K, S) + 0.7 * f.avg_pool1d(x, K, S),
        ),
        "max and average": Row(
            lambda x, **k: p.max_average_pool1d(x, K, S, **k),
            lambda x: torch.cat([f.max_pool1d(x, K, S), f.avg_pool1d(x, K, S)], 1),
        ),
        "mean and deviation": Row(
            lambda x, **k: p.mean_std_pool1d(x, K, S, **k),
            mean_and_deviation,
        ),
        "blur": Row(p.blur_pool1d, blurred),
        "max-blur": Row(
            lambda x, **k: p.max_blur_pool1d(x, 2, **k), lambda x: blurred(f.max_pool1d(x, 2, 1)),
        ),
        "polyphase": Row(p.polyphase_pool1d, strongest_comb),
        "global min": Row(p.global_min_pool1d, lambda x: -f.adaptive_max_pool1d(-x, 1)),
        "global sum": Row(p.global_sum_pool1d, lambda x: x.sum(-1)),
        "global median": Row(p.global_median_pool1d, two_middle),
        "global lp, p = 2": Row(
            lambda x, **k: p.global_lp_pool1d(x, 2.0, **k), lambda x: scaled_norm(x, 2.0),
        ),
        "global generalised mean": Row(
            p.global_generalised_mean_pool1d, lambda x: power_mean(x, 3.0, lambda y: y.mean(-1)),
        ),
        "global log-mean-exp": Row(
            lambda x, **k: p.global_log_mean_exp_pool1d(x, temperature=T, **k), log_mean_exp,
        ),
        "global softmax": Row(lambda x, **k: p.global_softmax_pool1d(x, temperature=T, **k), softmax_mean),
        "global stochastic": Row(p.global_stochastic_pool1d, lambda x: expectation(x, lambda y: y.mean(-1))),
        "global top-k mean": Row(p.global_top_k_pool1d, top_mean),
        "global attention": Row(
            lambda x, **k: global_attention_pool1d(x, scores, **k), lambda x: (scores.softmax(-1) * x).sum(-1),
        ),
        "global mixed": Row(
            lambda x, **k: p.global_mixed_pool1d(x, weight=0.3, **k),
            lambda x: 0.3 * f.adaptive_max_pool1d(x, 1).squeeze(-1) + 0.7 * x.mean(-1),
        ),
        "global max and average": Row(
            p.global_max_average_pool1d,
            lambda x: torch.cat([f.adaptive_max_pool1d(x, 1).squeeze(-1), x.mean(-1)], 1),
        ),
        "global mean and deviation": Row(
            p.global_mean_std_pool1d, lambda x: torch.cat([x.mean(-1), x.std(-1, correction=0)], 1),
        ),
    }  # fmt: skip


def keep_memory() -> None:
    """Where the C library is glibc, let it keep freed blocks of up to 32 MiB, the most it can.

    Else the price of fresh pages falls on some forms and not on others: the same function twice can differ by half.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        trim, mapped = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
        library.mallopt(trim, 2**30)
        library.mallopt(mapped, 2**25)


def step(forward: Forward, x: Tensor) -> tuple[float, float]:
    """Processor and wall seconds of one forward and backward pass."""
    x.grad = None
    processor, wall = time.process_time(), time.perf_counter()
    output = forward(x)
    output = output[0] if isinstance(output, tuple) else output
    assert isinstance(output, Tensor)
    output.sum().backward()
    return time.process_time() - processor, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(64, 128, 1000), metavar=("N", "C", "L"))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="names of rows; without: all", metavar="NAME")
    arguments = parser.parse_args()
    keep_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    count, channels, length = arguments.shape
    x = torch.randn(count, channels, length, requires_grad=True)
    lengths = torch.randint(length // 2, length + 1, (count,))
    table = rows(torch.randn(count, 1, length), torch.randn(channels, K))
    for name in arguments.only:
        if name not in table:
            parser.error(f"{name!r} is no row, expected one of: {'; '.join(table)}")
    print(f"N, C, L = {count}, {channels}, {length}; {arguments.threads} thread(s); processor time (wall time)")
    print("| operator | against | torch, ms | ours / torch | with lengths / torch | within |")
    print("|---|---|---|---|---|---|")
    missed = 0
    for name in arguments.only or table:
        row = table[name]
        forms = [row.theirs, row.ours, lambda x, row=row: row.ours(x, lengths=lengths)]
        with torch.no_grad():  # the same numbers, or the comparison means nothing
            ours, theirs = (form(x) for form in (row.ours, row.theirs))
            torch.testing.assert_close(ours, theirs.reshape(ours.shape), rtol=1e-3, atol=1e-4)
        turns = np.array([[step(form, x) for form in forms] for _ in range(arguments.repeats + 1)])[1:]
        (plain, plain_wall), (masked, masked_wall) = np.median(turns[:, 1:] / turns[:, :1], axis=0)
        within = plain <= 1.2 and masked <= 1.6 if row.counterpart else plain <= 1.1
        missed += not within
        print(
            f"| {name} | {'torch.nn' if row.counterpart else 'plain torch'} | {1e3 * np.median(turns[:, 0, 0]):.1f} "
            f"| {plain:.2f} ({plain_wall:.2f}) | {masked:.2f} ({masked_wall:.2f}) "
            f"| {'yes' if within else 'NO'} |",
            flush=True,
        )
    print(f"{missed} of the rows shown are beyond their limit" if missed else "every row shown is within its limit")


if __name__ == "__main__":
    main()
