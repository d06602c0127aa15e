"""Outputs whose report no longer passes, or is gone: nobody files last week's wrong report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nianbao.manifest import VOIDED, Line, Manifest, digest_of
from nianbao.outputs.files import make_folder, move


def void(
    folder: Path, manifest: Manifest, written: set[str], files: Sequence[str]
) -> list[tuple[Line, bool]]:
    """Move outputs of the manifest whose report now fails or has vanished to 已作废.

    Return their lines, and whether the output is there. An output of another input that was not given this
    time, and still exists, stays.
    """
    found: list[tuple[Line, bool]] = []
    for line in manifest.lines.values():
        elsewhere = line.source not in files and Path(line.source).exists()
        if line.name in written or elsewhere:
            continue
        path = folder / line.name
        moved = path.exists() or _is_moved(folder, line)
        if path.exists():
            make_folder(folder / VOIDED)
            move(path, _free(folder / VOIDED / line.name))
        found.append((line, moved))
    return found


def _is_moved(folder: Path, line: Line) -> bool:
    """Return whether a run that was killed has moved an output to 已作废; there it may have got a number."""
    stem, voided = Path(line.name).stem, folder / VOIDED
    beside = voided.iterdir() if voided.is_dir() else ()
    return any(path.stem.startswith(stem) and digest_of(path) == line.sha256 for path in beside)


def _free(path: Path) -> Path:
    """Return `path`, or the first numbered name beside it that is not taken: nothing is overwritten."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}（{number}）{path.suffix}")
    return free
