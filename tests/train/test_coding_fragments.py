"""Fragments of annotated genomes, against the annotation itself."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqpool.alphabet import DNA, GeneticCode, codon_codes
from seqpool.artifact import load_artifact
from seqpool.cli.main import main
from seqpool.errors import UsageError
from seqpool.io.annotation import read_gene_features
from seqpool.io.fasta import read_fasta
from seqpool.train.coding_fragments import CodingFragments, FragmentPart
from seqpool.train.fragments import DrawnFragments

STOPS = GeneticCode(11).certain_stops


def module(repository: Path, **options: Any) -> CodingFragments:
    folder = repository / "data"
    genome = {"genome": [str(folder / "demo_contigs.fa.gz")], "annotation": str(folder / "demo_contigs.gff3")}
    split = {"by": "chromosome", "validation": ["contig2:1-15000"], "test": ["contig3"]}
    return CodingFragments({"genomes": [genome], "split": split, "judged_fragments": 200, **options}, "coding")


def place_of(name: str) -> tuple[str, int, int, str]:
    chromosome, _, rest = name.rpartition(":")
    first, _, last = rest[:-3].partition("-")
    return chromosome, int(first) - 1, int(last), rest[-2]


@pytest.mark.parametrize("strands", ["both", "forward"])
def test_labels_say_what_the_annotation_says(repository: Path, strands: str) -> None:
    data = module(repository, strands=strands)
    features = read_gene_features(str(repository / "data" / "demo_contigs.gff3"))
    letters = {one.name: one.codes for one in read_fasta(str(repository / "data" / "demo_contigs.fa.gz"))}
    sides = {"validation": ("contig2", 0, 15000), "test": ("contig3", 0, 30000)}
    seen = set()
    for side, part in data.parts.named()[1:]:
        assert isinstance(part, FragmentPart)
        x, lengths = part.inputs(np.arange(len(part.ids)), None, 0)
        for row, name in enumerate(part.ids):
            chromosome, start, end, strand = place_of(name)
            assert (chromosome, sides[side][1] <= start, end <= sides[side][2]) == (sides[side][0], True, True)
            own = x[row, : lengths[row]]
            read = letters[chromosome][start:end]
            assert np.array_equal(own, read if strand == "+" else DNA.reverse_complement(read))
            touching = [f for f in features if f.chromosome == chromosome and f.start < end and f.end > start]
            target = int(part.target[row])
            seen.add(target)
            if target == 0:
                assert not touching
                continue
            assert len(touching) == 1
            gene = touching[0]
            assert gene.start <= start < end <= gene.end
            # the genes of the demo have no stop inside: the frame that was named is open up to the gene's end
            assert (gene.strand > 0) == ((strand == "+") == (target <= 3))
            coding = own if target <= 3 else DNA.reverse_complement(own)
            codons = codon_codes(coding[(target - 1) % 3 :])[::3]
            assert not STOPS[codons[:-1]].any()
            offset = start - gene.start if gene.strand > 0 else gene.end - end
            assert (offset + (target - 1) % 3) % 3 == 0
    assert seen == set(range(7 if strands == "both" else 4))


def test_training_fragments_are_a_function_of_seed_and_epoch(repository: Path) -> None:
    first, second = (module(repository, fragments=40).parts.train for _ in range(2))
    assert isinstance(first, DrawnFragments)
    assert isinstance(second, DrawnFragments)
    rows = np.arange(40)
    one, same, other = first.batch_of(rows, 3, 5), second.batch_of(rows, 3, 5), first.batch_of(rows, 4, 5)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
    assert (one[2] > 0).sum() == 20
    assert one[1].min() >= 60
    assert one[1].max() <= 300
    assert [name.partition(":")[0] for name in first.ids] == ["contig1", "contig2"]


def test_log_odds_know_that_stops_do_not_code(repository: Path) -> None:
    data = module(repository)
    assert data.parts is not None
    odds = data.codon_pair_log_odds()
    assert odds.shape == (64, 64)
    stops = STOPS[:64]
    others = odds[~stops][:, ~stops].mean()
    assert odds[:, stops].mean() < others - 1
    assert odds[stops].mean() < others - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": {"by": "chromosome", "test": ["contig9"]}}, "names contig9, which is no chromosome"),
        ({"split": {"by": "chromosome", "test": ["contig1:5-90000"]}}, "expected contig1:start-end from 1 up to 30000"),
        (
            {"split": {"by": "chromosome", "validation": ["contig1"], "test": ["contig1:1-9"]}},
            "puts contig1:1-9 into test and, in part, into validation",
        ),
        ({"split": {"by": "random", "shares": [0.8, 0.2]}}, "a split by random is not for fragments"),
        ({"lengths": [60, 20]}, "lengths are .60, 20."),
    ],
)
def test_what_cannot_be_read(repository: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _ = module(repository, **options).parts


def test_fit_test_and_predict(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    config, run = "configs/demo_coding.yaml", tmp_path / "run"
    short = ["--data.judged_fragments", "150", "--data.judged_lengths", "[60, 300]"]
    assert main(["fit", "--config", config, "--run", str(run), *short]) == 0
    artifact = load_artifact(run / "model.safetensors")
    assert (artifact.facts.job, artifact.facts.target, artifact.facts.outputs) == ("coding", "coding", 7)
    assert main(["test", "--config", config, "--run", str(run), *short]) == 0
    scores = json.loads((run / "metrics.json").read_text())["test"]["scores"]
    assert scores["roc_auc[300]"]["value"] > 0.98
    assert scores["frame_accuracy[300]"]["value"] > 0.95
    assert scores["roc_auc[60]"]["lower"] <= scores["roc_auc[60]"]["value"] <= scores["roc_auc[60]"]["upper"]
    with (run / "predictions.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["split"] for row in rows} == {"validation", "test"}
    assert set(rows[0]) == {"id", "split", "label", "p_coding", "frame", "strand", "decision"}
    capsys.readouterr()
    assert main(["describe", str(run / "model.safetensors")]) == 0
    told = capsys.readouterr().out
    assert "coding where the probability of all frames together is at least" in told
    assert "frame_accuracy[300]" in told
    assert main(["describe", config]) == 0


def test_frame_model_wants_fragments(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "a.yaml"
    config.write_text(
        "model: {class_path: FrameModel, init_args: {network: CodonEncoder}}\n"
        f"data: {{class_path: FastaClasses, init_args: {{positives: {repository}/data/demo_positives.fa.gz, "
        f"negatives: {repository}/data/demo_negatives.fa.gz}}}}\n"
    )
    assert main(["fit", "--config", str(config), "--run", str(tmp_path / "run")]) == 2
    assert "goes with CodingFragments" in capsys.readouterr().err
