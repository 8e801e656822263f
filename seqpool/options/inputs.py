"""What a network eats; stored in the artifact, so that whoever predicts reads files the way the trainer did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from seqpool.alphabet import ALPHABETS, Alphabet
from seqpool.options.audio import Audio
from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.images import Image
from seqpool.options.signal_input import Signal


class NetworkInput(Protocol):
    """Any of the records below."""

    @property
    def channels(self) -> int:
        """Channels of the tensor that the network gets."""
        ...


@dataclass(frozen=True)
class Letters:
    """Sequences of one alphabet, as uint8 codes (N, L) or one-hot (N, letters, L).

    alphabet: `dna`, `rna` or `protein`.
    skip_leading_methionine: a protein's first letter is left out when it is M (a start codon tells where a
        peptide was cut from, not what it does).
    """

    alphabet: str
    skip_leading_methionine: bool = False

    def __post_init__(self) -> None:
        if self.alphabet not in ALPHABETS:
            raise ValueError(f"{self.alphabet!r} is not an alphabet (accepted: {', '.join(ALPHABETS)})")

    @property
    def letters(self) -> Alphabet:
        """The alphabet itself."""
        return ALPHABETS[self.alphabet]

    @property
    def channels(self) -> int:
        """Channels of the one-hot encoding."""
        return len(self.letters.letters)


INPUTS: dict[str, type[NetworkInput]] = {
    "letters": Letters,
    "signal": Signal,
    "beats": BeatSignal,
    "audio": Audio,
    "image": Image,
}
"""Kinds of input by the name that an artifact gives them."""
