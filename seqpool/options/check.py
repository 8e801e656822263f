"""Builds an option record from a mapping, or says in one sentence which key is wrong and what is accepted."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from seqpool.errors import UsageError

Record = TypeVar("Record")

Where = Callable[[tuple[str, ...]], str]
"""Says where a key stands, for messages: `configs/ctcf.yaml:12: model.init_args.network`."""


def dotted(key: tuple[str, ...]) -> str:
    """A key as one types it on the command line."""
    return ".".join(key)


def nearest(word: str, accepted: Iterable[str]) -> str:
    """`did you mean X? ` where a name is close, else nothing; then the accepted names."""
    names = list(accepted)
    close = difflib.get_close_matches(str(word), names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}(accepted: {', '.join(names)})"


def record(
    cls: type[Record],
    values: Mapping[str, Any],
    *,
    key: tuple[str, ...] = (),
    where: Where = dotted,
) -> Record:
    """An instance of the frozen dataclass `cls` from a mapping as YAML or JSON gives it.

    Lists become tuples, mappings become nested records. Raises UsageError naming the key for an unknown key, a missing
    one, a value of the wrong type, and for what `__post_init__` refuses (ValueError).
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"{where(key)} should hold the options of {cls.__name__}, but is {values!r}.")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for name in values:
        if name not in fields:
            raise UsageError(
                f"{where((*key, str(name)))} is not an option of {cls.__name__}: {nearest(str(name), fields)}."
            )
    arguments = {}
    for name, field in fields.items():
        if name in values:
            arguments[name] = convert(hints[name], values[name], key=(*key, name), where=where)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UsageError(f"{where(key)} lacks {name}, which {cls.__name__} needs.")
    try:
        return cls(**arguments)
    except UsageError as error:
        raise UsageError(f"{where(key)}: {error}") from error
    except ValueError as error:
        raise UsageError(f"{where(key)}: {error}.") from error


def convert(kind: Any, value: Any, *, key: tuple[str, ...], where: Where = dotted) -> Any:
    """`value` as the type annotation `kind` wants it; raises UsageError naming the key."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(inner, value, key=key, where=where)
    if origin is Literal:
        if value in inner and type(value) in {type(choice) for choice in inner}:
            return value
        raise UsageError(f"{where(key)} is {value!r}: {nearest(str(value), map(str, inner))}.")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong_type(kind, value, key, where)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(convert(inner[0], item, key=(*key, str(i)), where=where) for i, item in enumerate(value))
        if len(inner) != len(value):
            raise _wrong_type(kind, value, key, where)
        return tuple(
            convert(one, item, key=(*key, str(i)), where=where)
            for i, (one, item) in enumerate(zip(inner, value, strict=True))
        )
    if origin is list:
        if not isinstance(value, list | tuple):
            raise _wrong_type(kind, value, key, where)
        return [convert(inner[0], item, key=(*key, str(i)), where=where) for i, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _wrong_type(kind, value, key, where)
        return {
            convert(inner[0], name, key=(*key, str(name)), where=where): convert(
                inner[1], item, key=(*key, str(name)), where=where
            )
            for name, item in value.items()
        }
    if dataclasses.is_dataclass(kind):
        if isinstance(value, kind):  # type: ignore[arg-type]
            return value
        reader = getattr(kind, "parse", None)  # a record with a short form, such as `pool: max`
        if reader is not None:
            try:
                return reader(value)
            except UsageError as error:
                raise UsageError(f"{where(key)}: {error}") from error
        return record(kind, value, key=key, where=where)  # type: ignore[arg-type]
    return _convert_plain(kind, value, key=key, where=where)


def _convert_union(kinds: tuple[Any, ...], value: Any, *, key: tuple[str, ...], where: Where) -> Any:
    if value is None and type(None) in kinds:
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    if len(rest) == 1:
        return convert(rest[0], value, key=key, where=where)
    for kind in rest:
        # a mapping that fits no record is best explained by the record's own sentence
        if isinstance(value, Mapping) and dataclasses.is_dataclass(kind) and kind is rest[-1]:
            return convert(kind, value, key=key, where=where)
        try:
            return convert(kind, value, key=key, where=where)
        except UsageError:
            continue
    raise _wrong_type(Union[kinds], value, key, where)  # noqa: UP007


def _convert_plain(kind: Any, value: Any, *, key: tuple[str, ...], where: Where) -> Any:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is float and not isinstance(value, bool):
        # YAML 1.1 reads 1e-3 (no dot) as text
        if isinstance(value, int | float):
            number = float(value)
        else:
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise _wrong_type(kind, value, key, where) from None
        if math.isnan(number):
            raise _wrong_type(kind, value, key, where)
        return number
    if kind is str:
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):  # a fold or class named 0
            return str(value)
    raise _wrong_type(kind, value, key, where)


def _wrong_type(kind: Any, value: Any, key: tuple[str, ...], where: Where) -> UsageError:
    return UsageError(f"{where(key)} is {value!r}, expected {describe_type(kind)}.")


_PLAIN_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}


def describe_type(kind: Any) -> str:
    """A type annotation in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN_NAMES:
        return _PLAIN_NAMES[kind]
    if origin in (Union, types.UnionType):
        return " or ".join(describe_type(one) for one in inner)
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin in (tuple, list):
        count = "" if origin is list or inner[-1] is Ellipsis else f"{len(inner)} "
        return f"a list of {count}items, each {describe_type(inner[0])}"
    if origin is dict:
        return f"a mapping to {describe_type(inner[1])}"
    if dataclasses.is_dataclass(kind):
        names = ", ".join(field.name for field in dataclasses.fields(kind))
        return f"a mapping with {names}"
    return str(kind)


def plain(value: Any) -> Any:
    """A record as mappings, lists and plain values, as it is written to YAML and JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        writer = getattr(value, "plain", None)
        if writer is not None:
            return writer()
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


__all__ = ["convert", "describe_type", "dotted", "nearest", "plain", "record"]
