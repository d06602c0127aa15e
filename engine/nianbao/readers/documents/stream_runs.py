"""Lines of a text as runs of figures, each with the words before it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nianbao.findings import Where
from nianbao.readers.documents.document import Paragraph, Table
from nianbao.readers.documents.figures import is_figure
from nianbao.readers.documents.wording import bare

_LONGEST_LINE = 2000
_SLASHES = frozenset(("/", "／", "-", "—", "——", "\\"))
_LABEL_NUMBER = re.compile(r"[、.．,，）)]")

Cells = list[tuple[str | None, Where]]


@dataclass
class Run:
    """Figures that follow each other, blank cells between them as None, and the words before them."""

    words: str
    printed: str
    cells: list[tuple[str | None, Where]] = field(default_factory=list)

    @property
    def figures(self) -> int:
        """The number of cells that hold something."""
        return sum(text is not None for text, _ in self.cells)


def lines_of(blocks: Sequence[Paragraph | Table]) -> Iterator[Cells]:
    """Yield lines as cells: what tabs set apart, or else what spaces do."""
    for block in blocks:
        if isinstance(block, Table):
            for r, row in enumerate(block.rows):
                yield [(text, block.place(r, c)) for c, text in enumerate(row)]
        elif len(block.text) > _LONGEST_LINE:
            yield []
        elif "\t" in block.text:
            yield [(cell.strip() or None, block.where) for cell in block.text.split("\t")]
        else:
            yield [(word, block.where) for word in _words(block.text)]


def _words(text: str) -> list[str]:
    """Return the words of a line; a number in a label or in brackets is no word of its own."""
    words: list[str] = []
    # A bracket that does not close on this line is one of a label that wraps: the figures are behind it.
    depth, closes = 0, sum(text.count(c) for c in "）)")
    for word in text.split():
        glued = bool(words) and ((depth > 0 and closes > 0) or _opens_label(words[-1], word))
        if glued:
            words[-1] += word
        else:
            words.append(word)
        shut = sum(word.count(c) for c in "）)")
        depth, closes = max(0, depth + sum(word.count(c) for c in "（(") - shut), closes - shut
    return words


def _opens_label(word: str, following: str) -> bool:
    """Return whether ``1.`` or ``1`` and ``、属于`` begin a label that spaces have cut."""
    return bool(re.fullmatch(r"\d{1,2}[、.．]", word)) or (
        word.isdecimal() and bool(_LABEL_NUMBER.match(following))
    )


def runs_of(lines: Sequence[Cells]) -> Iterator[Run]:
    """Yield runs of figures; blank cells count only between label and line end of lines with cells."""
    run = Run("", "")
    for cells in lines:
        for text, where in cells:
            if text is None or is_figure(text) or _is_slash(text):
                if text is not None or run.words or run.cells:
                    run.cells.append((text, where))
                continue
            if run.figures:
                yield run
                run = Run("", "")
            run.cells.clear()
            run.words += bare(text)
            run.printed = text if len(bare(text)) > 2 else run.printed + text
    if run.figures:
        yield run


def _is_slash(text: str) -> bool:
    return unicodedata.normalize("NFKC", text).strip() in _SLASHES
