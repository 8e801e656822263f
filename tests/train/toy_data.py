"""A data module of a few hundred sequences in memory, one class with a planted word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.alphabet import DNA
from seqpool.options.inputs import Letters
from seqpool.options.splits import Split
from seqpool.train.data_module import DataModule, Parts


@dataclass(frozen=True)
class ToyOptions:
    module: ClassVar[str] = "tests.train.toy_data"
    rows: int = 256
    batch_size: int = 32
    kind: str = "binary"
    validation: bool = True
    split: Split | None = None


@dataclass
class ToyPart:
    codes: NDArray[np.uint8]
    target: NDArray[np.float64]
    ids: list[str]
    weight: NDArray[np.float64] = field(init=False)
    digests: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.weight = np.ones(len(self.ids))
        self.digests = [row.tobytes().hex() for row in self.codes]

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return self.codes[rows], np.full(len(rows), self.codes.shape[1])


class ToyData(DataModule):
    record_class = ToyOptions

    def read(self) -> Parts:
        random = np.random.default_rng(5)
        parts = []
        for name, rows in (("train", self.options.rows), ("val", 128), ("test", 128)):
            codes = random.integers(0, 4, (rows, 40), dtype=np.uint8)
            label = random.integers(0, 2, rows)
            for row in np.flatnonzero(label):
                start = random.integers(0, 32)
                codes[row, start : start + 8] = DNA.encode("TGACTCAT")
            target = label.astype(np.float64)
            if self.options.kind == "regression":
                target = np.stack([label * 3.0 + 5, 1.0 - label], axis=1)
                target[::7, 1] = np.nan
            if self.options.kind == "multilabel":
                target = np.stack([label, 1 - label], axis=1).astype(np.float64)
            parts.append(ToyPart(codes, target, [f"{name}{i}" for i in range(rows)]))
        classes = ("negative", "positive")
        validation = parts[1] if self.options.validation else None
        return Parts(parts[0], validation, parts[2], Letters("dna"), classes, {"name": "toy"}, length=40)


class OwnNetwork(nn.Module):
    """A user's own network: shares of letters, one layer."""

    def __init__(self, channels: int, outputs: int, length: int | None, bias: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(channels, outputs, bias=bias)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        scores: Tensor = self.layer(x.mean(dim=2))
        return scores
