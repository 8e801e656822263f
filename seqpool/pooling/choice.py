"""From a pooling choice in a config to the module: `pool: max`, `pool: {name: lp, p: 3}`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

from seqpool.errors import UsageError
from seqpool.options.pooling import Pooling, check_name, nearest_name
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.attention import AttentionPool1d, GlobalAttentionPool1d
from seqpool.pooling.operators.average import AvgPool1d, GlobalAvgPool1d
from seqpool.pooling.operators.blur import BlurPool1d
from seqpool.pooling.operators.generalised_mean import GeneralisedMeanPool1d, GlobalGeneralisedMeanPool1d
from seqpool.pooling.operators.log_mean_exp import GlobalLogMeanExpPool1d, LogMeanExpPool1d
from seqpool.pooling.operators.lp import GlobalLPPool1d, LPPool1d
from seqpool.pooling.operators.max_average import GlobalMaxAveragePool1d, MaxAveragePool1d
from seqpool.pooling.operators.max_blur import MaxBlurPool1d
from seqpool.pooling.operators.maximum import GlobalMaxPool1d, MaxPool1d
from seqpool.pooling.operators.mean_std import GlobalMeanStdPool1d, MeanStdPool1d
from seqpool.pooling.operators.median import GlobalMedianPool1d, MedianPool1d
from seqpool.pooling.operators.minimum import GlobalMinPool1d, MinPool1d
from seqpool.pooling.operators.mixed import GlobalMixedPool1d, MixedPool1d
from seqpool.pooling.operators.polyphase import PolyphasePool1d
from seqpool.pooling.operators.softmax import GlobalSoftmaxPool1d, SoftmaxPool1d
from seqpool.pooling.operators.stochastic import GlobalStochasticPool1d, StochasticPool1d
from seqpool.pooling.operators.strided_convolution import StridedConvPool1d
from seqpool.pooling.operators.sum import GlobalSumPool1d, SumPool1d
from seqpool.pooling.operators.top_k import GlobalTopKPool1d, TopKPool1d


@dataclass(frozen=True)
class Operator:
    """What a name stands for: the local and the global module, and parameters that a config calls or sets otherwise."""

    local: type[LocalPool] | None
    whole: type[GlobalPool] | None
    renamed: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)


OPERATORS: dict[str, Operator] = {
    "max": Operator(MaxPool1d, GlobalMaxPool1d),
    "average": Operator(AvgPool1d, GlobalAvgPool1d),
    "min": Operator(MinPool1d, GlobalMinPool1d),
    "sum": Operator(SumPool1d, GlobalSumPool1d),
    "median": Operator(MedianPool1d, GlobalMedianPool1d),
    "lp": Operator(LPPool1d, GlobalLPPool1d, renamed={"p": "norm_type"}, defaults={"norm_type": 2.0}),
    "generalised_mean": Operator(GeneralisedMeanPool1d, GlobalGeneralisedMeanPool1d),
    "log_mean_exp": Operator(LogMeanExpPool1d, GlobalLogMeanExpPool1d),
    "softmax": Operator(SoftmaxPool1d, GlobalSoftmaxPool1d),
    "stochastic": Operator(StochasticPool1d, GlobalStochasticPool1d),
    "top_k": Operator(TopKPool1d, GlobalTopKPool1d),
    "attention": Operator(AttentionPool1d, GlobalAttentionPool1d),
    "mixed": Operator(MixedPool1d, GlobalMixedPool1d),
    "max_average": Operator(MaxAveragePool1d, GlobalMaxAveragePool1d),
    "mean_std": Operator(MeanStdPool1d, GlobalMeanStdPool1d),
    "strided_convolution": Operator(StridedConvPool1d, None),
    "average_blur": Operator(BlurPool1d, None),
    "max_blur": Operator(MaxBlurPool1d, None),
    "polyphase": Operator(PolyphasePool1d, None),
}
"""Operators by the name that a config uses; a window's kernel size means nothing to blur and polyphase sampling."""

_GIVEN_BY_THE_NETWORK = {"self", "kernel_size", "stride", "channels", "axis"}


def parameter_names(name: str, module: type[LocalPool] | type[GlobalPool]) -> list[str]:
    """Parameters that a config may set for an operator, as the config calls them."""
    renamed = {constructor: config for config, constructor in OPERATORS[name].renamed.items()}
    accepted = [key for key in inspect.signature(module.__init__).parameters if key not in _GIVEN_BY_THE_NETWORK]
    return [renamed.get(key, key) for key in accepted]


def _arguments(
    choice: Pooling,
    module: type[LocalPool] | type[GlobalPool],
    channels: int,
    kernel_size: int | None = None,
    stride: int | None = None,
) -> dict[str, object]:
    accepted = parameter_names(choice.name, module)
    for key in choice.parameters:
        if key not in accepted:
            raise UsageError(
                f"pool {choice.name!r} has no parameter {key!r}, expected "
                f"{' '.join(accepted) if accepted else 'none'}{nearest_name(key, accepted)}"
            )
    operator = OPERATORS[choice.name]
    arguments = dict(operator.defaults)
    arguments |= {operator.renamed.get(key, key): value for key, value in choice.parameters.items()}
    given = {"channels": channels, "kernel_size": kernel_size, "stride": stride}
    known = inspect.signature(module.__init__).parameters
    return arguments | {key: value for key, value in given.items() if key in known}


def local_pool(
    choice: Pooling | str | Mapping[str, object], kernel_size: int, stride: int | None, channels: int
) -> LocalPool:
    """The module of a local pooling choice over windows of `kernel_size` every `stride` positions.

    Args:
        choice: a `Pooling`, a name, or `{"name": ..., parameter: value}`.
        kernel_size, stride: the window; a stride of None means kernel_size.
        channels: channels of the input, for operators with parameters to learn.

    Raises:
        UsageError: unknown name (the names are listed), unknown parameter, or a value out of range.
    """
    choice = Pooling.parse(choice)
    check_name(choice, "local")
    module = OPERATORS[choice.name].local
    assert module is not None
    step = kernel_size if stride is None else stride
    return module(**_arguments(choice, module, channels, kernel_size, step))  # type: ignore[arg-type]


def global_pool(choice: Pooling | str | Mapping[str, object], channels: int) -> GlobalPool:
    """The module of a global pooling choice; arguments and errors as for `local_pool`."""
    choice = Pooling.parse(choice)
    check_name(choice, "global")
    module = OPERATORS[choice.name].whole
    assert module is not None
    return module(**_arguments(choice, module, channels))  # type: ignore[arg-type]
