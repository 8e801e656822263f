"""Models that come with the package: a `.safetensors` file each, and beside it a card that says what it is good for.

Nothing here loads torch: a name becomes a file, a file's header becomes a row of `seqpool models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seqpool.errors import DataError, UsageError
from seqpool.options.facts import read_facts

FOLDER = Path(__file__).parent
"""Where the models and their cards are."""

MODEL_OF_TASK = {"rhythm": "ecg-rhythm", "beats": "ecg-beats", "waves": "ecg-waves", "coding": "dna-coding"}
"""The model that a command takes for a task when none is named."""

TASK_OF_JOB = {"recording": "rhythm"}
"""Tasks whose name is not that of the artifact's job."""

ENDING = ".safetensors"


@dataclass(frozen=True)
class ShippedModel:
    """A row of `seqpool models`.

    leads: preferred ones in order, or all that are taken together; empty for letters. rate_hz: of the network's
    input, NaN for letters. size_kb: of the file, in units of 1000 bytes. summary: the card's first sentence.
    """

    name: str
    task: str
    job: str
    leads: tuple[str, ...]
    rate_hz: float
    size_kb: float
    licence: str
    summary: str


def model_file(given: str | Path) -> Path:
    """The file that `--model` means: a path, or where there is no such file the name of a shipped model.

    Raises UsageError for a name that is neither.
    """
    path = Path(given)
    if path.exists() or path.suffix == ENDING or len(path.parts) != 1:
        return path  # one that does not exist is reported by whoever reads it
    return shipped_file(str(given))


def shipped_file(name: str) -> Path:
    """The file of a shipped model. Raises UsageError where there is none of this name, or it is not installed."""
    path = FOLDER / f"{name}{ENDING}"
    if path.is_file():
        return path
    present = ", ".join(shipped_names()) or "none"
    if name in MODEL_OF_TASK.values():
        raise UsageError(
            f"the shipped model {name} is not in this installation (present: {present}): install a newer seqpool, or "
            "name a model that seqpool fit wrote with --model."
        )
    raise UsageError(f"{name} is neither a file nor a shipped model (shipped: {present}).")


def default_model(task: str) -> Path:
    """The shipped model for a task of MODEL_OF_TASK. Raises UsageError where it is not installed."""
    return shipped_file(MODEL_OF_TASK[task])


def shipped_names() -> list[str]:
    """Names of the models in this installation, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{ENDING}"))


def shipped_model(name: str) -> ShippedModel:
    """What is known of a shipped model. Raises UsageError for an unknown name, DataError for a damaged file."""
    path = shipped_file(name)
    facts = read_facts(path)
    return ShippedModel(
        name=name,
        task=TASK_OF_JOB.get(facts.job, facts.job),
        job=facts.job,
        leads=tuple(facts.input.get("leads") or ()),
        rate_hz=float(facts.input.get("rate_hz", "nan")),
        size_kb=path.stat().st_size / 1000,
        licence=facts.licence,
        summary=_summary(card(name)),
    )


def card(name: str) -> str:
    """The card of a shipped model, in Markdown. Raises UsageError for an unknown name, DataError without a card."""
    path = shipped_file(name).with_suffix(".md")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the card {path.name} of the model {name} cannot be read: {error}.") from error


def _summary(text: str) -> str:
    """The first line of a card that is neither empty nor a heading, up to its first full stop."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.partition(". ")[0].rstrip(".")
