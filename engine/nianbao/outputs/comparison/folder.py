"""A comparison of large sets as a folder: an index, and a whole page for every agency that differs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from nianbao.comparison.differences import Comparison
from nianbao.filenames import Namer
from nianbao.outputs.comparison.html import Unreadable, comparison_html
from nianbao.outputs.comparison.words import agency_words
from nianbao.outputs.files import make_folder, write_atomic
from nianbao.pack import Pack

INDEX = "index.html"


def write_folder(
    comparison: Comparison,
    pack: Pack,
    folder: Path,
    sides: tuple[str, str] = ("", ""),
    unreadable: Unreadable = (),
) -> int:
    """Write ``index.html`` and the pages that it leads to; return how many there are. Raises OutputError.

    The pages are written first: an index never leads nowhere.
    """
    make_folder(folder)
    namer = Namer()
    namer.name(Path(INDEX).stem)
    names = []
    for pair in comparison.differing:
        name = f"{namer.name(agency_words(pair.after))[0]}.html"
        write_atomic(folder / name, comparison_html(Comparison((pair,)), pack, sides).encode())
        names.append(name)
    index = comparison_html(comparison, pack, sides, unreadable, [quote(name) for name in names])
    write_atomic(folder / INDEX, index.encode())
    return len(names)
