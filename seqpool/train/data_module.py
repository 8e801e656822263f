"""What every data module shares: batches, loaders, shuffling as a function of (seed, epoch), the table of splits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from seqpool.options.check import record
from seqpool.options.inputs import NetworkInput
from seqpool.options.training import Target

POOLED_BATCHES = 16


class Batch(NamedTuple):
    """Everything a step needs.

    x: (N, L) uint8 letter codes padded with the alphabet's unknown symbol, or (N, C, L) float32 padded with 0.
    lengths: (N,) int64.
    target: binary (N,) float32 of 0 and 1; multiclass (N,) int64; multilabel and regression (N, T) float32, NaN where
        the value is missing; waves (N, L + 1) int64, as `seqpool.train.wave_part` says; coding (N,) int64, the class.
    weight: (N,) float32, the row's weight in the loss.
    row: (N,) int64, the row in its part.
    """

    x: torch.Tensor
    lengths: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    row: torch.Tensor


class Part(Protocol):
    """One side of a split, in memory or read lazily.

    ids: the name of each row. digests: 16 hex digits of each row's content.
    target: (rows,) class index for binary (0, 1) and multiclass; (rows, targets) for multilabel and regression, NaN
        where missing. weight: (rows,).
    A part may also have lengths (rows,): then rows of like length are trained on together. And it may have `draws`,
    the number of rows that an epoch of training takes, where that is not each id once.
    """

    ids: Sequence[str]
    digests: Sequence[str]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """x and lengths of these rows: as they are where `epoch` is None, else augmented by (seed, epoch, row)."""
        ...


@dataclass(frozen=True)
class Parts:
    """What a data module has read.

    input: what the network eats. classes: class names as written in the data, or the targets' names of a regression.
    facts: name, files with size and digest, split rule, counts: goes into the artifact as JSON; `folds` lists the
        names of the split's folds.
    length: of every input of every part, None where they differ.
    """

    train: Part
    validation: Part | None
    test: Part | None
    input: NetworkInput
    classes: tuple[str, ...]
    facts: dict[str, Any]
    length: int | None = None

    def named(self) -> list[tuple[str, Part]]:
        """The parts that exist, by name."""
        parts = [("train", self.train), ("validation", self.validation), ("test", self.test)]
        return [(name, part) for name, part in parts if part is not None]


class Batches(IterableDataset[Batch]):
    """Batches of a part: shuffled and augmented as a function of (seed, epoch), or in order as they are."""

    def __init__(
        self,
        part: Part,
        batch_size: int,
        *,
        multiclass: bool,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        """`seed` None: in order, not augmented. `epoch` is asked when an epoch's first batch is.

        Of several processes, each takes every so-manieth batch, and all take equally many.
        """
        self.part = part
        self.batch_size = batch_size
        self.multiclass = multiclass
        self.seed = seed
        self.epoch = epoch
        self.rank = rank
        self.processes = processes

    @property
    def rows(self) -> int:
        """Rows of an epoch."""
        ids = len(self.part.ids)
        return ids if self.seed is None else int(getattr(self.part, "draws", ids))

    def __len__(self) -> int:
        batches = -(-self.rows // self.batch_size)
        return batches if self.processes == 1 else batches // self.processes

    def __iter__(self) -> Iterator[Batch]:
        order = np.arange(self.rows)
        if self.seed is not None:
            generator = np.random.default_rng([self.seed, self.epoch()])
            order = generator.permutation(order)
            lengths = getattr(self.part, "lengths", None)
            if lengths is not None:
                order = like_lengths_together(order, lengths, self.batch_size, generator)
        for number in range(len(self)):
            start = (number * self.processes + self.rank) * self.batch_size
            yield self.batch(order[start : start + self.batch_size])

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The batch of these rows."""
        training = self.seed is not None
        x, lengths = self.part.inputs(rows, self.epoch() if training else None, self.seed or 0)
        target = torch.from_numpy(self.part.target[rows])
        return Batch(
            x=torch.from_numpy(np.ascontiguousarray(x)),
            lengths=torch.from_numpy(lengths.astype(np.int64)),
            target=target.long() if self.multiclass else target.float(),
            weight=torch.from_numpy(self.part.weight[rows]).float(),
            row=torch.from_numpy(rows),
        )


def like_lengths_together(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """A shuffled order in which rows of like length share a batch, so that little is padded.

    Rows are sorted within pools of POOLED_BATCHES batches; then the batches are shuffled (a smaller last one stays
    last). lengths: (rows,) of all rows of the part; where all are equal the order is left as it is.
    """
    if not len(lengths) or lengths.min() == lengths.max():
        return order
    pool = POOLED_BATCHES * batch_size
    pools = [order[start : start + pool] for start in range(0, len(order), pool)]
    order = np.concatenate([rows[np.argsort(lengths[rows], kind="stable")] for rows in pools])
    whole = len(order) // batch_size * batch_size
    batches = order[:whole].reshape(-1, batch_size)
    return np.concatenate([generator.permutation(batches).reshape(-1), order[whole:]])


class DataModule(pl.LightningDataModule, ABC):
    """Reads a data set once and hands out its parts batch by batch; a subclass says how it is read.

    record_class: the option record that describes the data set. batches_class: how rows become a batch.
    """

    record_class: ClassVar[type[Any]]
    batches_class: ClassVar[type[Batches]] = Batches

    def __init__(
        self, options: dict[str, Any], target: Target | Literal["waves", "beats", "coding"] | None = None
    ) -> None:
        """`options`: the fields of `record_class`; `target`: what the labels are read as.

        Raises UsageError naming the key that is wrong.
        """
        super().__init__()
        self.options = record(self.record_class, options)
        self.target = target
        self._parts: Parts | None = None

    @abstractmethod
    def read(self) -> Parts:
        """Reads and splits the data. Raises DataError or UsageError."""

    @staticmethod
    def tags_of(part: Part) -> dict[str, NDArray[np.bool_]]:
        """Flags of a part's rows by name; figures are given once more without the rows of each flag."""
        return dict(getattr(part, "tags", {}))

    @property
    def parts(self) -> Parts:
        """The parts, read when first asked for."""
        if self._parts is None:
            self._parts = self.read()
        return self._parts

    def _batches(self, part: Part, *, training: bool) -> Batches:
        trainer = self.trainer
        model = trainer.lightning_module if trainer is not None else None
        rank, processes = 0, 1
        if training and trainer is not None:
            rank, processes = trainer.global_rank, trainer.world_size
        return self.batches_class(
            part,
            self.options.batch_size,
            multiclass=self.target == "multiclass",
            seed=int(getattr(model, "seed", 0)) if training else None,
            epoch=lambda: 0 if trainer is None else trainer.current_epoch,
            rank=rank,
            processes=processes,
        )

    def train_dataloader(self) -> torch.utils.data.DataLoader[Batch]:
        """Shuffled, augmented batches of the training part."""
        return torch.utils.data.DataLoader(self._batches(self.parts.train, training=True), batch_size=None)

    def val_dataloader(self) -> torch.utils.data.DataLoader[Batch] | list[Any]:
        """Batches of the validation part in order; none where there is no such part."""
        part = self.parts.validation
        return [] if part is None else torch.utils.data.DataLoader(self._batches(part, training=False), batch_size=None)

    def test_dataloader(self) -> torch.utils.data.DataLoader[Batch] | list[Any]:
        """Batches of the test part in order; none where there is no such part."""
        part = self.parts.test
        return [] if part is None else torch.utils.data.DataLoader(self._batches(part, training=False), batch_size=None)
