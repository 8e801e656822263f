"""Draw docs/frames.svg: the six reading frames of a short sequence, and what trimming a letter does to them.

python scripts/make_frames_picture.py [--output docs/frames.svg]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from seqpool.alphabet import DNA

SEQUENCE = "ATGGCACGTTAA"
CELL, ROW, LEFT = 34, 24, 150
FRAMES = ("#7fb3d5", "#f5b041", "#82c99b")
"""One colour for each frame of the whole sequence; what is left of a frame keeps its colour."""
FONT = 'font-family="ui-monospace, monospace" font-size="13"'


def text(x: float, y: float, words: str, *, anchor: str = "middle", grey: bool = False) -> str:
    """A line of text."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{"#777" if grey else "#111"}">{words}</text>'


def letters(sequence: str, y: float, first: int) -> list[str]:
    """The letters of a strand from cell `first` on, left to right."""
    return [text(LEFT + CELL * (first + i + 0.5), y, letter) for i, letter in enumerate(sequence)]


def codons(count: int, frame: int, y: float, first: int, colour: str, *, reverse: bool) -> list[str]:
    """Boxes of a frame's codons; a reverse frame is counted from the right end."""
    drawn = []
    for codon in range((count - frame) // 3):
        start = frame + 3 * codon
        cell = first + (count - start - 3 if reverse else start)
        drawn.append(
            f'<rect x="{LEFT + CELL * cell + 1.5:g}" y="{y:g}" width="{3 * CELL - 3}" height="{ROW - 6}" rx="4" '
            f'fill="{colour}"/>'
        )
        drawn.append(text(LEFT + CELL * (cell + 1.5), y + 13.5, str(codon)))
    return drawn


def panel(sequence: str, top: float, first: int, title: str) -> list[str]:
    """Six frames around the two strands."""
    count = len(sequence)
    other = DNA.decode(DNA.reverse_complement(DNA.encode(sequence)))
    drawn = [text(12, top, title, anchor="start")]
    for frame in range(3):
        y = top + 12 + ROW * frame
        drawn += [text(LEFT - 14, y + 13.5, f"+{frame}", anchor="end")]
        drawn += codons(count, frame, y, first, FRAMES[(frame + first) % 3], reverse=False)
    y = top + 12 + 3 * ROW
    drawn += [text(LEFT - 14, y + 13, "forward 5'", anchor="end", grey=True), *letters(sequence, y + 13, first)]
    drawn += [text(LEFT - 14, y + 33, "reverse 3'", anchor="end", grey=True), *letters(other[::-1], y + 33, first)]
    for frame in range(3):
        y = top + 58 + ROW * (3 + frame)
        drawn += [text(LEFT - 14, y + 13.5, f"-{frame}", anchor="end")]
        drawn += codons(count, frame, y, first, FRAMES[frame], reverse=True)
    return drawn


def picture() -> str:
    """The whole SVG."""
    width, height = LEFT + CELL * len(SEQUENCE) + 24, 500
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" {FONT}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *panel(SEQUENCE, 22, 0, "Six frames, each from its own strand's 5' end; codons numbered."),
        *panel(SEQUENCE[1:], 262, 1, "A letter less in front: +f was +(f + 1), +2 was +0; -f stays -f."),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("docs/frames.svg"), metavar="FILE")
    parser.parse_args().output.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
