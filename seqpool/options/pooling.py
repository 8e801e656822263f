"""A pooling choice as it stands in a config: `pool: max` or `pool: {name: lp, p: 3}`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from seqpool.errors import UsageError

LOCAL_NAMES = (
    "max", "average", "min", "sum", "median", "lp", "generalised_mean", "log_mean_exp", "softmax", "stochastic",
    "top_k", "attention", "mixed", "max_average", "mean_std", "strided_convolution", "average_blur", "max_blur",
    "polyphase",
)  # fmt: skip
"""Operators that pool windows, as `seqpool.pooling.choice` builds them."""

GLOBAL_NAMES = LOCAL_NAMES[: LOCAL_NAMES.index("strided_convolution")]
"""Operators that pool whole rows."""


@dataclass(frozen=True)
class Pooling:
    """The name of a pooling operator and the parameters that differ from its defaults.

    Attributes:
        name: as in the list that an unknown name is answered with, for example `max`.
        parameters: the operator's own parameters by name, for example `{"p": 3}`; plain values.
    """

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise UsageError(f"the name of a pooling choice is {self.name!r}, expected text such as `max`.")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted((key, repr(value)) for key, value in self.parameters.items()))))

    def __reduce__(self) -> tuple[type[Pooling], tuple[str, dict[str, object]]]:
        return Pooling, (self.name, dict(self.parameters))

    @classmethod
    def parse(cls, choice: Pooling | str | Mapping[str, object]) -> Pooling:
        """Read `max` or `{name: lp, p: 3}`; UsageError for anything else."""
        if isinstance(choice, Pooling):
            return choice
        if isinstance(choice, str):
            return cls(choice)
        if not isinstance(choice, Mapping) or "name" not in choice:
            raise UsageError(f"a pooling choice is {choice!r}, expected a name such as `max` or `{{name: lp, p: 3}}`.")
        return cls(str(choice["name"]), {key: value for key, value in choice.items() if key != "name"})

    def plain(self) -> str | dict[str, object]:
        """The shortest form that `parse` reads: the name alone, or a dictionary."""
        return {"name": self.name, **self.parameters} if self.parameters else self.name


def nearest_name(name: str, names: list[str]) -> str:
    """The sentence part that points at the name most like an unknown one; empty when none is near."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else "."


def check_name(choice: Pooling, kind: Literal["local", "global"]) -> None:
    """UsageError, with the names that there are, unless `choice` names a local or a global operator."""
    names = LOCAL_NAMES if kind == "local" else GLOBAL_NAMES
    if choice.name not in names:
        raise UsageError(
            f"{choice.name!r} is no {kind} pooling, expected one of {' '.join(names)}"
            f"{nearest_name(choice.name, list(names))}"
        )
