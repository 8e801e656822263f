"""Config files: YAML read with line numbers, merged, overridden from the command line, checked key by key.

All of it happens before torch or Lightning load, so that a mistyped key costs a tenth of a second and one sentence.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seqpool.errors import UsageError
from seqpool.options.check import dotted, nearest, record
from seqpool.options.data import DATA
from seqpool.options.training import MODELS, Model

Key = tuple[str, ...]

DATA_VARIABLE = "SEQPOOL_DATA"

SECTIONS = ("seed_everything", "model", "data", "trainer")

RESERVED_TRAINER_KEYS = ("logger", "default_root_dir", "enable_checkpointing")
"""Trainer arguments that the run folder decides."""


def data_folder() -> str:
    """What `${SEQPOOL_DATA}` stands for: the environment variable, else ~/.cache/seqpool-data."""
    return os.environ.get(DATA_VARIABLE) or str(Path.home() / ".cache" / "seqpool-data")


def expand(value: Any) -> Any:
    """`${SEQPOOL_DATA}` (that name only) replaced in every text of a nested value."""
    if isinstance(value, str):
        return value.replace("${" + DATA_VARIABLE + "}", data_folder())
    if isinstance(value, Mapping):
        return {name: expand(item) for name, item in value.items()}
    if isinstance(value, list):
        return [expand(item) for item in value]
    return value


@dataclass
class Config:
    """Merged values of config files and overrides, and where each key was written."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """`FILE:LINE: dotted.key` of a key, or of the nearest key above it that was written."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.places:
                return f"{self.places[key[:end]]}: {dotted(key)}"
        return dotted(key)

    def merge(self, values: Mapping[str, Any], places: Mapping[Key, str]) -> None:
        """Lays other values over these; a mapping with another class_path replaces the whole."""
        _merge(self.values, values)
        self.places.update(places)

    def override(self, name: str, text: str) -> None:
        """One `--model.network.filters 64`: `init_args` may be left out of the key. Raises UsageError."""
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"--{name} {text!r} is not a YAML value: {_yaml_problem(error)}.") from error
        key, node = [], self.values
        words = name.split(".")
        if words[0] not in SECTIONS:
            raise UsageError(f"--{name} is not an option of fit: {nearest(words[0], SECTIONS)}.")
        for position, word in enumerate(words):
            last = position == len(words) - 1
            if isinstance(node, dict) and "class_path" in node and word not in ("class_path", "init_args"):
                node = node.setdefault("init_args", {})
                key.append("init_args")
            key.append(word)
            if last:
                if isinstance(value, str) and word in ("model", "data", "network"):
                    value = {"class_path": value}
                node[word] = value
            else:
                child = node.get(word)
                if child is None:
                    child = node[word] = {}
                if isinstance(child, str) and word in ("network", "pool", "global_pool"):
                    child = node[word] = {"class_path" if word == "network" else "name": child}
                if not isinstance(child, dict):
                    raise UsageError(f"--{name}: {'.'.join(key)} is {child!r} and has no options of its own.")
                node = child
        self.places[tuple(key)] = f"--{name}"


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for name, value in source.items():
        old = target.get(name)
        same_class = (
            isinstance(old, dict)
            and isinstance(value, Mapping)
            and ("class_path" not in value or value["class_path"] == old.get("class_path"))
        )
        if same_class:
            _merge(target[name], value)
        else:
            target[name] = copy.deepcopy(value)


def read_config(files: Sequence[str], overrides: Sequence[tuple[str, str]] = ()) -> Config:
    """Config files merged left to right, then overrides (name, text). Raises UsageError naming file and line."""
    config = Config()
    for file in files:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"config {file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"config {file} is not a text file (expected YAML in UTF-8).") from error
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise UsageError(f"config {file} is not YAML: {_yaml_problem(error)}.") from error
        if node is None:
            raise UsageError(f"config {file} is empty (expected {', '.join(SECTIONS)}).")
        places: dict[Key, str] = {}
        values = _construct(node, (), file, places)
        if not isinstance(values, dict):
            raise UsageError(f"config {file} should be a mapping with {', '.join(SECTIONS)}.")
        config.merge(values, places)
    for name, text in overrides:
        config.override(name, text)
    for name in config.values:
        if name not in SECTIONS:
            raise UsageError(f"{config.where((name,))} is not a section of a config: {nearest(name, SECTIONS)}.")
    return config


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    return f"line {mark.line + 1}: {problem}" if mark is not None else problem


def _construct(node: yaml.Node, key: Key, file: str, places: dict[Key, str]) -> Any:
    places[key] = f"{file}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            if name in values:
                raise UsageError(f"{file}:{name_node.start_mark.line + 1}: {dotted((*key, name))} stands there twice.")
            values[name] = _construct(value_node, (*key, name), file, places)
            places[(*key, name)] = f"{file}:{name_node.start_mark.line + 1}"
        return values
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*key, str(i)), file, places) for i, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node)


@dataclass(frozen=True)
class Experiment:
    """A config whose every key is known: what `fit`, `validate` and `test` run.

    values: as written (not expanded), for the run folder's config.yaml.
    data_class: name of the data record and of the data module. trainer: keywords of Lightning's Trainer.
    """

    values: dict[str, Any]
    seed: int
    model: Model
    data_class: str
    data: Any
    trainer: dict[str, Any]


def check_config(config: Config) -> Experiment:
    """Checks every key of model and data. Raises UsageError with file, line, key, what is accepted, nearest name."""
    for section in ("model", "data"):
        if section not in config.values:
            raise UsageError(f"the config has no section {section} (expected {', '.join(SECTIONS)}).")
    expanded = expand(config.values)
    model_name, model_arguments = _class_choice(config, expanded, "model", list(MODELS))
    data_name, data_arguments = _class_choice(config, expanded, "data", list(DATA))
    seed = expanded.get("seed_everything", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise UsageError(f"{config.where(('seed_everything',))} is {seed!r}, expected a whole number from 0.")
    trainer = expanded.get("trainer") or {}
    if not isinstance(trainer, dict):
        raise UsageError(f"{config.where(('trainer',))} is {trainer!r}, expected keywords of Lightning's Trainer.")
    for name in RESERVED_TRAINER_KEYS:
        if name in trainer:
            raise UsageError(f"{config.where(('trainer', name))} is not accepted: the run folder (--run) decides it.")
    return Experiment(
        values=config.values,
        seed=seed,
        model=MODELS[model_name](model_arguments, key=("model", "init_args"), where=config.where),
        data_class=data_name,
        data=record(DATA[data_name], data_arguments, key=("data", "init_args"), where=config.where),
        trainer=trainer,
    )


def _class_choice(
    config: Config, expanded: dict[str, Any], section: str, accepted: list[str]
) -> tuple[str, dict[str, Any]]:
    choice = expanded[section]
    if not isinstance(choice, dict) or "class_path" not in choice:
        raise UsageError(f"{config.where((section,))} should be a mapping with class_path and init_args.")
    for name in choice:
        if name not in ("class_path", "init_args"):
            raise UsageError(
                f"{config.where((section, name))} is not accepted: {nearest(name, ('class_path', 'init_args'))}."
            )
    name = str(choice["class_path"]).rpartition(".")[2]
    if name not in accepted:
        raise UsageError(
            f"{config.where((section, 'class_path'))} is {choice['class_path']!r}: {nearest(name, accepted)}."
        )
    arguments = choice.get("init_args") or {}
    if not isinstance(arguments, dict):
        raise UsageError(f"{config.where((section, 'init_args'))} should be a mapping.")
    return name, arguments
