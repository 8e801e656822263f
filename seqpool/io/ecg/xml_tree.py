"""XML files as trees, read safely.

Entities that a file declares are refused: nested ones grow to gigabytes (the billion laughs), external ones read other
files. The parser of the standard library (expat) says when one is declared, and fetches nothing by itself; defusedxml,
the usual guard, does the same and has not been released since 2021, so it is no dependency.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from seqpool.errors import DataError

DEEPEST = 100
"""Elements within elements: clinical files have about 25."""


def read_xml(path: Path, source: str) -> Element:
    """The root element; names of elements and attributes without their namespace.

    Raises DataError for a file that is not well-formed, declares an entity or is nested absurdly deep.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise DataError(f"{source}: the XML is nested more than {DEEPEST} deep: refused.")
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    def entity(*declared: object) -> NoReturn:
        raise DataError(f"{source}: the XML declares the entity '{declared[0]}', which can be an attack: refused.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = entity
    parser.buffer_text = True
    try:
        parser.Parse(path.read_bytes(), True)
        root: Element = builder.close()
    except expat.ExpatError as error:
        raise DataError(
            f"{source}: the XML is damaged in line {error.lineno}, {expat.ErrorString(error.code)}."
        ) from error
    return root


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def text_of(element: Element | None, path: str) -> str:
    """The text below an element without blanks around it; empty where there is none."""
    return (element.findtext(path) or "").strip() if element is not None else ""


def number_of(text: str | None, what: str, source: str) -> float:
    """A finite number in a text. Raises DataError naming what it should be."""
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if value != value or abs(value) == float("inf"):
        raise DataError(f"{source}: the file gives '{(text or '').strip()[:40]}' as {what} (expected a number).")
    return value
