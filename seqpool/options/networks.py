"""The networks that a config can name, as records: what is built, and nothing of how.

`class_path` is one of `NETWORKS`, or the dotted path of a user's own class: a `torch.nn.Module` whose constructor takes
the keywords `channels`, `outputs`, `length` and the config's `init_args`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seqpool.alphabet import GeneticCode
from seqpool.errors import UsageError
from seqpool.options.beat_inputs import FibrillationGate
from seqpool.options.check import Where, dotted, nearest, plain, record
from seqpool.options.map_networks import ImageEncoder, SpectrogramEncoder
from seqpool.options.pooling import Pooling, check_name


def _at_least(minimum: int, **values: int) -> None:
    for name, value in values.items():
        if value < minimum:
            raise ValueError(f"{name} is {value}, expected at least {minimum}")


def _share(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value}, expected a share from 0 up to but not including 1")


@dataclass(frozen=True)
class MotifDetector:
    """Filters slid over letters, their best window pooled over the whole sequence, a dense head.

    filters: number of filters, shared out equally over the widths. width: letters per filter, one or several.
    strands: `forward`, `both` (the better strand counts), `apart` (each strand's maximum is a feature) or `shared`
        (each strand's maxima go through layers whose weights both strands share, and the better strand of the hidden
        layer counts). `both` and `shared` answer alike for a sequence and its reverse complement.
    pool: `max`, or `max_average` (maximum and average of the rectified scores).
    position_bins: the sequence is cut into this many stretches and a learnt bias per filter and stretch is added to
        the stretch's maximum before the maximum over stretches (inputs of one length only); 1: no bias.
    word_lengths: for each length k, the k-letter words of the sequence (both strands as one where strands are not
        `forward`) summed as learnt vectors of `word_channels`.
    composition: the shares of the letters are features too (averaged over strands unless `forward`).
    padding: blank positions added at each end, so that a motif cut off by the end still scores.
    hidden: units of the dense layer; 0: none. dropout: share of features dropped. normalise: batch normalisation.
    members: filters and word channels are shared out over so many detectors, each with its own head and its own loss;
        their logits are averaged.
    engine: `fused` (table look-ups on the CPU; elsewhere torch) or `torch` (convolution).
    motifs: a motif file whose matrices the first filters start from.
    """

    filters: int = 128
    width: int | tuple[int, ...] = 19
    strands: Literal["forward", "both", "apart", "shared"] = "both"
    pool: Literal["max", "max_average"] = "max"
    position_bins: int = 1
    word_lengths: tuple[int, ...] = ()
    word_channels: int = 16
    composition: bool = False
    padding: int = 8
    hidden: int = 32
    dropout: float = 0.2
    normalise: bool = True
    members: int = 1
    engine: Literal["fused", "torch"] = "fused"
    motifs: str | None = None

    def __post_init__(self) -> None:
        _at_least(1, filters=self.filters, position_bins=self.position_bins, word_channels=self.word_channels)
        _at_least(0, padding=self.padding, hidden=self.hidden)
        _share(dropout=self.dropout)
        if not self.widths or not all(1 <= width <= 64 for width in self.widths):
            raise ValueError(f"width is {self.width}, expected 1 to 64")
        if self.filters < len(self.widths):
            raise ValueError(f"{self.filters} filters cannot be shared out over {len(self.widths)} widths")
        most = min(self.filters // len(self.widths), self.word_channels if self.word_lengths else self.filters)
        if not 1 <= self.members <= most:
            raise ValueError(
                f"members is {self.members}, expected 1 to {most}: "
                "each takes a filter of every width and a word channel"
            )
        if self.strands == "shared":
            for name, wrong in (
                ("hidden is 0", not self.hidden),
                ("members is above 1", self.members > 1),
                ("position_bins is above 1", self.position_bins > 1),
            ):
                if wrong:
                    raise ValueError(f"strands: shared needs one detector with a hidden layer and no bins, but {name}")
        if not all(1 <= k <= 8 for k in self.word_lengths):
            raise ValueError(f"word_lengths is {list(self.word_lengths)}, expected lengths from 1 to 8")

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths as a tuple."""
        return (self.width,) if isinstance(self.width, int) else self.width

    @property
    def fixed_length(self) -> bool:
        """Whether every input must have the length that the network was built for."""
        return self.position_bins > 1


@dataclass(frozen=True)
class Encoder:
    """Blocks of convolution, normalisation, ReLU and pooling, then a pool over all positions and a head.

    channels: output channels of each block. width: kernel of each block's convolution, one for all or one per block.
    stride, dilation: of the convolutions, likewise. convolutions: how many per block.
    pool: how each block shortens the signal; pool_size: by how much, one for all or one per block (1: not at all).
    residual: each block's input is added to its output (through a 1-wide convolution where channels differ).
    embedding: channels of a 1-wide convolution before the first block; 0: none.
    substitution_matrix: of amino acids, which the embedding starts from, so that letters that replace each other in
        related proteins start as neighbours; null: at random.
    positions: sine and cosine channels that tell where in the sequence a position lies, added to the input; 0: none.
    skip: the input itself, flattened, joins the features of the head (inputs of one length only).
    global_pool: over all positions that are left; `flatten` keeps each position apart (inputs of one length only).
    pool_each: the global pool is taken of every block's output, not only of the last one's.
    composition: the input's average over positions joins the features (the shares of the letters).
    head: `dense`, or `class_maps`: one map per class, pooled over positions.
    hidden: units of the dense layer; 0: none. dropout: share of features dropped before each dense layer.
    block_dropout: share of channels dropped after each block.
    normalise: batch normalisation over valid positions.
    """

    channels: tuple[int, ...] = (16, 32, 64, 64)
    width: int | tuple[int, ...] = 7
    stride: int | tuple[int, ...] = 1
    dilation: int | tuple[int, ...] = 1
    convolutions: int = 1
    pool: Pooling = field(default_factory=lambda: Pooling("max"))
    pool_size: int | tuple[int, ...] = 2
    residual: bool = False
    embedding: int = 0
    substitution_matrix: Literal["BLOSUM45", "BLOSUM62", "BLOSUM80", "PAM250"] | None = None
    positions: int = 0
    skip: bool = False
    global_pool: Literal["flatten"] | Pooling = field(default_factory=lambda: Pooling("max_average"))
    pool_each: bool = False
    composition: bool = False
    head: Literal["dense", "class_maps"] = "dense"
    hidden: int = 0
    dropout: float = 0.2
    block_dropout: float = 0.0
    normalise: bool = True

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("channels is empty, expected the output channels of each block")
        _at_least(
            1, convolutions=self.convolutions, **{f"channels of block {i}": c for i, c in enumerate(self.channels)}
        )
        _at_least(0, hidden=self.hidden, embedding=self.embedding, positions=self.positions)
        _share(dropout=self.dropout, block_dropout=self.block_dropout)
        for name in ("width", "stride", "dilation", "pool_size"):
            _at_least(1, **{name: min(self.per_block(name))})
        if self.positions % 2:
            raise ValueError(f"positions is {self.positions}, expected an even number of channels")
        if self.substitution_matrix is not None and not self.embedding:
            raise ValueError("substitution_matrix is what the embedding starts from, and embedding is 0")
        check_name(self.pool, "local")
        if isinstance(self.global_pool, Pooling):
            check_name(self.global_pool, "global")

    def per_block(self, name: str) -> tuple[int, ...]:
        """`width`, `stride`, `dilation` or `pool_size` for each block."""
        value: int | tuple[int, ...] = getattr(self, name)
        if isinstance(value, int):
            return (value,) * len(self.channels)
        if len(value) != len(self.channels):
            raise ValueError(f"{name} lists {len(value)} values for {len(self.channels)} blocks")
        return value

    @property
    def fixed_length(self) -> bool:
        """Whether every input must have the length that the network was built for."""
        return self.skip or self.global_pool == "flatten"


@dataclass(frozen=True)
class SampleLabeller:
    """Levels of convolution and pooling, each at half the rate of the one before, then a label for every sample.

    decoder: how the levels come back to the samples: `unet` (doubled, joined, convolved, level by level), `fpn` (a
        feature pyramid: levels added at a common number of channels) or `hypercolumn` (all levels stacked).
    stem: channels of the first convolution; stem_width: its kernel. stem_pool: 1, 2, 4 ...: the finest level, and the
        labels before they are brought to the samples by straight lines, have that many times fewer positions.
    channels: of each level, the finest first. width: kernel of every other convolution.
    convolutions: per level, and per level of the U-Net's way up.
    decoder_channels: of the pyramid's sum, or of the convolution on the hypercolumn.
    pool: what halves the positions. block_dropout: share of channels dropped after each block.
    whole_outputs: so many of the outputs speak of the whole row; whole_pool: over the deepest level, for them.
    """

    decoder: Literal["unet", "fpn", "hypercolumn"] = "unet"
    stem: int = 12
    stem_width: int = 9
    stem_pool: int = 2
    channels: tuple[int, ...] = (12, 24, 36, 48, 64)
    width: int = 7
    convolutions: int = 2
    decoder_channels: int = 32
    pool: Pooling = field(default_factory=lambda: Pooling("max"))
    block_dropout: float = 0.0
    whole_outputs: int = 0
    whole_pool: Pooling = field(default_factory=lambda: Pooling("max_average"))

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("channels is empty, expected the channels of each level")
        _at_least(1, **{f"channels of level {i}": c for i, c in enumerate(self.channels)})
        _at_least(1, stem=self.stem, stem_width=self.stem_width, width=self.width, convolutions=self.convolutions)
        _at_least(1, decoder_channels=self.decoder_channels, stem_pool=self.stem_pool)
        _at_least(0, whole_outputs=self.whole_outputs)
        _share(block_dropout=self.block_dropout)
        if self.stem_pool & (self.stem_pool - 1):
            raise ValueError(f"stem_pool is {self.stem_pool}, expected 1, 2, 4, 8 ...")


@dataclass(frozen=True)
class BeatNetwork:
    """Where the beats of a lead are, and of which AAMI class each is: two networks that are trained together.

    detector: finds R peaks; one output, nothing of the whole row.
    members: so many classifiers of single beats, started apart; their logits are averaged.
    stem: channels of a classifier's first convolution on the difference of a beat from its template, stem_width its
        kernel. channels: of the residual blocks after it, each of two convolutions of kernel width; stem and blocks
        halve the positions. The maximum and the average of both halves are pooled.
    feature_units: of the dense layer on the numbers of rhythm and shape, of which feature_dropout is the share that is
        dropped: so few patients teach to lean on all of them and not on one. hidden: of the layer on both together.
    dropout: share of features dropped.
    gate: what is done about atrial fibrillation.
    """

    detector: SampleLabeller = field(
        default_factory=lambda: SampleLabeller(stem=8, channels=(8, 16, 24, 32, 32), convolutions=1)
    )
    members: int = 1
    stem: int = 12
    stem_width: int = 7
    channels: tuple[int, ...] = (12, 24, 24)
    width: int = 5
    feature_units: int = 48
    feature_dropout: float = 0.25
    hidden: int = 48
    dropout: float = 0.4
    gate: FibrillationGate = field(default_factory=FibrillationGate)

    def __post_init__(self) -> None:
        if self.detector.whole_outputs:
            raise ValueError("detector.whole_outputs should be 0: a detector speaks of samples only")
        if not self.channels:
            raise ValueError("channels is empty, expected the channels of each residual block")
        _at_least(1, **{f"channels of block {i}": c for i, c in enumerate(self.channels)})
        _at_least(1, members=self.members, stem=self.stem, stem_width=self.stem_width, width=self.width)
        _at_least(1, feature_units=self.feature_units)
        _at_least(0, hidden=self.hidden)
        _share(dropout=self.dropout, feature_dropout=self.feature_dropout)


@dataclass(frozen=True)
class CodonEncoder:
    """Reads the codons of every reading frame with the same weights; says which frame codes, or none.

    frames: 6, of both strands, or 3, of the given strand.
    channels: what a codon is to the convolution: one of 64 `codons`, or of 20 `amino_acids` and stop.
    genetic_code: of the sequences, NCBI's number. embedding: channels that codons are mixed into.
    filters: of the convolution over `width` codons; their maximum, mean and sum over a frame go to a dense layer of
        `hidden` units. dropout: share of features dropped before each dense layer.
    codon_pairs: each frame's logit is given the log-odds of each codon after the one before it, as counted on the
        training data, times this; 0: not.
    """

    frames: Literal[3, 6] = 6
    channels: Literal["codons", "amino_acids"] = "codons"
    genetic_code: int = 11
    embedding: int = 24
    filters: int = 64
    width: int = 4
    hidden: int = 32
    dropout: float = 0.3
    codon_pairs: float = 0.8

    def __post_init__(self) -> None:
        GeneticCode(self.genetic_code)
        _at_least(1, embedding=self.embedding, filters=self.filters, width=self.width)
        _at_least(0, hidden=self.hidden)
        _share(dropout=self.dropout)
        if not 0 <= self.codon_pairs <= 1:
            raise ValueError(f"codon_pairs is {self.codon_pairs:g}, expected a weight from 0 to 1")


@dataclass(frozen=True)
class OwnNetwork:
    """A user's own class, by its dotted path."""

    class_path: str
    init_args: dict[str, Any] = field(default_factory=dict)


NETWORKS: dict[str, type[Any]] = {
    "MotifDetector": MotifDetector,
    "Encoder": Encoder,
    "SampleLabeller": SampleLabeller,
    "BeatNetwork": BeatNetwork,
    "CodonEncoder": CodonEncoder,
    "SpectrogramEncoder": SpectrogramEncoder,
    "ImageEncoder": ImageEncoder,
}

Network = (
    MotifDetector
    | Encoder
    | SampleLabeller
    | BeatNetwork
    | CodonEncoder
    | SpectrogramEncoder
    | ImageEncoder
    | OwnNetwork
)


def network_record(choice: Any, *, key: tuple[str, ...] = (), where: Where = dotted) -> Network:
    """The record of `{class_path: ..., init_args: {...}}`. Raises UsageError naming the key that is wrong."""
    if isinstance(choice, str):
        choice = {"class_path": choice}
    if not isinstance(choice, Mapping) or "class_path" not in choice:
        raise UsageError(f"{where(key)} should be a mapping with class_path and init_args.")
    for name in choice:
        if name not in ("class_path", "init_args"):
            raise UsageError(f"{where((*key, name))} is not accepted: {nearest(name, ('class_path', 'init_args'))}.")
    name, arguments = str(choice["class_path"]), choice.get("init_args") or {}
    short = name.rpartition(".")[2]
    if name in NETWORKS or (name.startswith("seqpool.") and short in NETWORKS):
        built: Network = record(NETWORKS[short], arguments, key=(*key, "init_args"), where=where)
        return built
    if "." not in name:
        raise UsageError(f"{where((*key, 'class_path'))} is {name!r}: {nearest(name, NETWORKS)}.")
    return OwnNetwork(name, dict(arguments))


def network_config(network: Network) -> dict[str, Any]:
    """`{class_path, init_args}` of a record, as written to configs and artifacts."""
    if isinstance(network, OwnNetwork):
        return {"class_path": network.class_path, "init_args": plain(network.init_args)}
    return {"class_path": type(network).__name__, "init_args": plain(network)}
