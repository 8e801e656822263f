"""FASTA files, one per class, or one against its own shuffles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqpool.errors import DataError, UsageError
from seqpool.io.fasta import read_fasta
from seqpool.options.data import SHUFFLE
from seqpool.options.data import FastaClasses as Options
from seqpool.records import Sequence
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.letter_rows import LetterRows, alphabet_of, fasta_letters, parts_of
from seqpool.train.messages import say
from seqpool.train.windows import overlap_any, windows_of


class FastaClasses(DataModule):
    """The data module of `seqpool.options.data.FastaClasses`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads the files. Raises DataError for a bad record, UsageError for classes of one name."""
        files, classes = self._files_and_classes()
        alphabet = alphabet_of(self.options, b"".join(fasta_letters(path) for path in files))
        by_class: list[list[Sequence]] = []
        for path in files:
            by_class.append(list(read_fasta(path, alphabet, on_warning=say)))
            if not by_class[-1]:
                raise DataError(f"{path} holds no sequence.")
        index = np.repeat(np.arange(len(files)), [len(sequences) for sequences in by_class])
        shuffles = self.options.negatives == SHUFFLE
        names = [sequence.name for sequences in by_class for sequence in sequences]
        rows = LetterRows(
            names=names,
            codes=[sequence.codes for sequences in by_class for sequence in sequences],
            target=index.astype(np.float64),
            classes=classes,
            weight=np.ones(len(names)),
            columns={"label": [classes[i] for i in index], "name": names},
            shuffles=shuffles,
        )
        if not shuffles:
            windows = windows_of(names)
            overlaps = np.zeros(len(rows), dtype=bool)
            for number in range(len(files)):
                overlaps[index == number] = overlap_any(windows[index == number], windows[index != number])
            if overlaps.any():
                rows = LetterRows(**{**rows.__dict__, "overlaps": overlaps})
        return parts_of(rows, self.options, alphabet, files)

    def _files_and_classes(self) -> tuple[list[str], tuple[str, ...]]:
        """Files in the order of their class index, and all class names."""
        options = self.options
        if options.positives is not None and options.negatives is not None:
            classes = ("negative", "positive")
            if options.negatives == SHUFFLE:
                return [options.positives], classes
            return [options.negatives, options.positives], classes
        files = list(options.classes or ())
        names = options.names or tuple(Path(path).name.partition(".")[0] for path in files)
        if len(set(names)) < len(names):
            raise UsageError(f"two classes have one name ({', '.join(names)}): give each its own in data.names.")
        return files, names
