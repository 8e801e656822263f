"""What counting words of k letters reaches on the data of a config: logistic regression, or ridge for numbers.

    python scripts/baseline_words.py configs/tss.yaml --length 4
    python scripts/baseline_words.py configs/deepstarr.yaml --length 5

Rows, sides and figures are those of `seqpool fit` on the same config. With `data.strands: both` a word and its reverse
complement are one. Counts are standardised; the strength of the penalty is chosen by cross-validation within train.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from seqpool.evaluation.answers import Answers
from seqpool.options.check import plain
from seqpool.options.config import check_config, read_config
from seqpool.train.data_module import DataModule, Part

LOGISTIC_PENALTIES = np.logspace(-5, -1, 5)
RIDGE_PENALTIES = np.logspace(0, 6, 13)


def word_numbers(length: int, letters: int, both_strands: bool) -> tuple[NDArray[np.int64], int]:
    """Feature of each word (its number in base `letters`), and how many features there are."""
    numbers = np.arange(letters**length)
    if both_strands:
        digits = numbers[:, None] // letters ** np.arange(length) % letters
        numbers = np.minimum(numbers, ((letters - 1 - digits) * letters ** np.arange(length)[::-1]).sum(axis=1))
    kept, feature = np.unique(numbers, return_inverse=True)
    return feature, len(kept)


def counts_of(part: Part, length: int, letters: int, both_strands: bool) -> csr_array:
    """(rows, features) how often each word of plain letters occurs."""
    x, lengths = part.inputs(np.arange(len(part.ids)), None, 0)
    feature, features = word_numbers(length, letters, both_strands)
    windows = np.lib.stride_tricks.sliding_window_view(x, length, axis=1).astype(np.int64)
    plain_words = (windows < letters).all(axis=2)
    plain_words &= np.arange(windows.shape[1]) + length <= lengths[:, None]
    numbers = (windows * letters ** np.arange(length)[::-1]).sum(axis=2)
    row, _ = np.nonzero(plain_words)
    word = feature[numbers[plain_words]]
    return coo_array((np.ones(len(row)), (row, word)), shape=(len(part.ids), features)).tocsr()


def fitted(target: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    """A model of the words; rows without a target are left out."""
    if target == "regression":
        known = ~np.isnan(y).any(axis=1)
        return RidgeCV(RIDGE_PENALTIES, alpha_per_target=True).fit(x[known], y[known])
    search = GridSearchCV(LogisticRegression(max_iter=300), {"C": LOGISTIC_PENALTIES}, scoring="neg_log_loss", cv=5)
    return search.fit(x, y)


def main() -> None:
    """Prints `part score value`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--length", type=int, default=6, help="letters per word (default: 6)")
    parser.add_argument("--folder", help="another data.folder")
    arguments = parser.parse_args()
    overrides = [("data.folder", arguments.folder)] if arguments.folder else []
    experiment = check_config(read_config([arguments.config], overrides))
    target = experiment.model.target
    module: DataModule = getattr(import_module(experiment.data.module), experiment.data_class)(
        plain(experiment.data), target
    )
    parts = module.parts
    alphabet = parts.input.letters
    both_strands = experiment.data.strands == "both" and alphabet.name == "dna"
    options = (arguments.length, len(alphabet.letters), both_strands)
    scaler = StandardScaler()
    x = scaler.fit_transform(counts_of(parts.train, *options).toarray().astype(np.float32))
    model = fitted(target, x, parts.train.target)
    print("part\tscore\tvalue")
    for name, part in parts.named()[1:]:
        features = scaler.transform(counts_of(part, *options).toarray().astype(np.float32))
        if target == "regression":
            answers = Answers(target, parts.classes, model.predict(features).reshape(len(part.ids), -1), None)
        else:
            probabilities = model.predict_proba(features)
            answers = Answers(target, parts.classes, probabilities, probabilities.argmax(axis=1))
        rows = {name: np.arange(len(part.ids))}
        rows |= {f"{name} without {tag}": np.flatnonzero(~flag) for tag, flag in module.tags_of(part).items()}
        for label, chosen in rows.items():
            for score, value in answers.metrics(part.target, chosen).items():
                print(f"{label}\t{score}\t{value:.4f}")


if __name__ == "__main__":
    main()
