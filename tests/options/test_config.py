"""Configs: what is said of a wrong key, how files and overrides are laid over one another."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seqpool.errors import UsageError
from seqpool.options.config import check_config, expand, read_config
from seqpool.options.data import FastaClasses

CONFIG = """\
seed_everything: 7
model:
  class_path: SequenceModel
  init_args:
    network: {class_path: MotifDetector, init_args: {filters: 128, width: 19}}
    target: binary
    optimizer:
      learning_rate: 1e-3
data:
  class_path: FastaClasses
  init_args:
    positives: ${SEQPOOL_DATA}/dna/ctcf.fa
    negatives: dinucleotide-shuffle
    split: {by: chromosome, validation: [chr7], test: [chr8, chr9]}
trainer: {max_epochs: 10}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQPOOL_DATA", "/public")
    Path("c.yaml").write_text(CONFIG)
    return Path("c.yaml")


def test_values_are_expanded_for_use_and_kept_as_written(config: Path) -> None:
    experiment = check_config(read_config([str(config)]))
    assert isinstance(experiment.data, FastaClasses)
    assert experiment.data.positives == "/public/dna/ctcf.fa"
    assert experiment.values["data"]["init_args"]["positives"] == "${SEQPOOL_DATA}/dna/ctcf.fa"
    assert experiment.model.optimizer.learning_rate == 1e-3
    assert experiment.seed == 7
    assert experiment.trainer == {"max_epochs": 10}


def test_only_one_variable_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQPOOL_DATA", raising=False)
    assert expand(["${SEQPOOL_DATA}/a", "${HOME}/b", 3]) == [
        str(Path.home() / ".cache" / "seqpool-data" / "a"), "${HOME}/b", 3,
    ]  # fmt: skip


def test_files_are_merged_left_to_right_and_overrides_win(config: Path) -> None:
    Path("d.yaml").write_text("model: {init_args: {network: {init_args: {filters: 64}}}}\ntrainer: {max_epochs: 2}\n")
    overrides = [("model.network.width", "[7, 11]"), ("data.split.validation", "[chr6]"), ("seed_everything", "3")]
    experiment = check_config(read_config([str(config), "d.yaml"], overrides))
    assert (experiment.model.network.filters, experiment.model.network.width) == (64, (7, 11))  # type: ignore[union-attr]
    assert experiment.data.split.validation == ("chr6",)
    assert (experiment.seed, experiment.trainer["max_epochs"]) == (3, 2)


def test_another_class_takes_nothing_of_the_first_ones_options(config: Path) -> None:
    experiment = check_config(read_config([str(config)], [("model.network", "Encoder")]))
    assert type(experiment.model.network).__name__ == "Encoder"
    Path("e.yaml").write_text("model: {init_args: {network: {class_path: Encoder, init_args: {channels: [4]}}}}\n")
    assert check_config(read_config([str(config), "e.yaml"])).model.network.channels == (4,)  # type: ignore[union-attr]


def test_print_config_reads_back_the_same(config: Path) -> None:
    values = read_config([str(config)], [("trainer.max_epochs", "3")]).values
    Path("again.yaml").write_text(yaml.safe_dump(values))
    assert read_config(["again.yaml"]).values == values


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("filters: 128", "filtrs: 128", r"c.yaml:5: .*filtrs is not an option of MotifDetector: did you mean filters"),
        ("MotifDetector", "MotifDetektor", r"c.yaml:5: .*class_path is 'MotifDetektor': did you mean MotifDetector"),
        ("SequenceModel", "SequenceModell", r"c.yaml:3: .*'SequenceModell': did you mean SequenceModel"),
        ("FastaClasses", "FastaClass", r"c.yaml:10: .*did you mean FastaClasses"),
        ("target: binary", "target: binry", r"c.yaml:6: model.init_args.target is 'binry': did you mean binary"),
        ("learning_rate: 1e-3", "learning_rate: fast", r"c.yaml:8: .*learning_rate is 'fast', expected a number"),
        ("learning_rate: 1e-3", "rate: 1e-3", r"c.yaml:8: .*rate is not an option of Optimizer"),
        ("by: chromosome", "by: chromsome", r"c.yaml:14: .*by is 'chromsome': did you mean chromosome"),
        ("seed_everything: 7", "seed_everything: seven", r"c.yaml:1: seed_everything is 'seven'"),
        ("trainer:", "trainr:", r"c.yaml:15: trainr is not a section of a config: did you mean trainer"),
        ("trainer: {max", "trainer: {logger: false, max", r"trainer.logger is not accepted: the run folder"),
        ("model:", "modle:", "modle is not a section"),
        ("    target: binary\n", "    target: binary\n    target: binary\n", r"c.yaml:7: .*target stands there twice"),
        ("model:\n", "model: [\n", "c.yaml is not YAML: line"),
        ("    target: binary\n", "", "lacks target, which SequenceModel needs"),
        ("  class_path: FastaClasses\n", "", "data should be a mapping with class_path and init_args"),
    ],
)
def test_rejections_name_file_line_and_key(config: Path, old: str, new: str, sentence: str) -> None:
    assert old in CONFIG
    config.write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(UsageError, match=sentence) as caught:
        check_config(read_config([str(config)]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("model.network.filtrs", "3", "--model.network.filtrs: .*did you mean filters"),
        ("modl.target", "binary", "--modl.target is not an option of fit: did you mean model"),
        ("model.target.kind", "x", "--model.target.kind: .* has no options of its own"),
        ("model.target", "[", "is not a YAML value"),
    ],
)
def test_overrides_are_checked_too(config: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_config(read_config([str(config)], [(name, text)]))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "list.yaml").write_text("- a\n")
    for name, sentence in [
        ("none.yaml", "cannot be read"),
        ("binary.yaml", "is not a text file"),
        ("empty.yaml", "is empty"),
        ("list.yaml", "should be a mapping"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            read_config([str(tmp_path / name)])


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs").glob("*.yaml")), ids=lambda path: path.name
)
def test_every_config_of_the_repository_is_right(path: Path) -> None:
    check_config(read_config([str(path)]))
