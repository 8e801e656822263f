"""From a pooling choice in a config to the module: `pool: max`, `pool: {name: lp, p: 3}`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

from seqpool.errors import UsageError
from seqpool.options.pooling import Pooling, nearest_name
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import AvgPool1d, GlobalAvgPool1d
from seqpool.pooling.operators.log_mean_exp import GlobalLogMeanExpPool1d, LogMeanExpPool1d
from seqpool.pooling.operators.maximum import GlobalMaxPool1d, MaxPool1d


@dataclass(frozen=True)
class Operator:
    """What a name stands for: the local and the global module, and parameters that a config calls otherwise."""

    local: type[LocalPool] | None
    whole: type[GlobalPool] | None
    renamed: Mapping[str, str] = field(default_factory=dict)


OPERATORS: dict[str, Operator] = {
    "max": Operator(MaxPool1d, GlobalMaxPool1d),
    "average": Operator(AvgPool1d, GlobalAvgPool1d),
    "log_mean_exp": Operator(LogMeanExpPool1d, GlobalLogMeanExpPool1d),
}

_GIVEN_BY_THE_NETWORK = {"self", "kernel_size", "stride", "channels", "axis"}


def parameter_names(name: str, module: type[LocalPool] | type[GlobalPool]) -> list[str]:
    """Parameters that a config may set for an operator, as the config calls them."""
    renamed = {constructor: config for config, constructor in OPERATORS[name].renamed.items()}
    accepted = [key for key in inspect.signature(module.__init__).parameters if key not in _GIVEN_BY_THE_NETWORK]
    return [renamed.get(key, key) for key in accepted]


def _arguments(choice: Pooling, module: type[LocalPool] | type[GlobalPool], channels: int) -> dict[str, object]:
    accepted = parameter_names(choice.name, module)
    for key in choice.parameters:
        if key not in accepted:
            raise UsageError(
                f"pool {choice.name!r} has no parameter {key!r}, expected "
                f"{' '.join(accepted) if accepted else 'none'}{nearest_name(key, accepted)}"
            )
    renamed = OPERATORS[choice.name].renamed
    arguments = {renamed.get(key, key): value for key, value in choice.parameters.items()}
    if "channels" in inspect.signature(module.__init__).parameters:
        arguments["channels"] = channels
    return arguments


def _unknown(name: str, names: list[str], kind: str) -> UsageError:
    return UsageError(f"{name!r} is no {kind} pooling, expected one of {' '.join(names)}{nearest_name(name, names)}")


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
    names = [name for name, operator in OPERATORS.items() if operator.local]
    if choice.name not in names:
        raise _unknown(choice.name, names, "local")
    module = OPERATORS[choice.name].local
    assert module is not None
    arguments = _arguments(choice, module, channels)
    return module(kernel_size=kernel_size, stride=stride, **arguments)  # type: ignore[arg-type]


def global_pool(choice: Pooling | str | Mapping[str, object], channels: int) -> GlobalPool:
    """The module of a global pooling choice; arguments and errors as for `local_pool`."""
    choice = Pooling.parse(choice)
    names = [name for name, operator in OPERATORS.items() if operator.whole]
    if choice.name not in names:
        raise _unknown(choice.name, names, "global")
    module = OPERATORS[choice.name].whole
    assert module is not None
    return module(**_arguments(choice, module, channels))  # type: ignore[arg-type]
