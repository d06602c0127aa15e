"""What the page of a collection is made from: roster, folder, workspace, and what stands beside them."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from nianbao.collecting.files import State, state_of
from nianbao.collecting.workspace import INDEX, LEDGER, PUBLISHED, RESULTS, is_workspace
from nianbao.errors import InputError
from nianbao.ledger.members import read_date


@dataclass(frozen=True)
class Given:
    """What was given on the command line; all of it is read, nothing is ever written.

    `workspace` is the folder that ``nianbao collect`` made, if there is one: what was filled in there counts.
    `whole` is the agency of the roll-up, empty for the one that the roster shows.
    """

    roster: Path
    folder: Path
    workspace: Path | None = None
    previous: tuple[str, ...] = ()
    aliases: Path | None = None
    waivers: tuple[Path, ...] = ()
    published: tuple[str, ...] = ()
    since: Path | None = None
    due: date | None = None
    today: date | None = None
    year: int | None = None
    reply_by: date | None = None
    office: str = ""
    notice_template: Path | None = None
    adjustments: Path | None = None
    whole: str = ""
    blank_as_zero: str | None = None

    def stamp(self) -> Mapping[Path, State]:
        """Return the state of every file that counts: it differs as soon as one changes, comes or goes."""
        return {path: state_of(path) for path in self._files()}

    def _files(self) -> Iterator[Path]:
        yield self.roster
        yield from _below(self.folder)
        for name in (*self.previous, *self.published):
            yield from _named(name)
        single = (self.aliases, self.adjustments, self.notice_template, *self.waivers)
        yield from (path for path in single if path is not None)
        if self.workspace is not None:
            yield from (self.workspace / LEDGER, self.workspace / RESULTS)
            yield from _below(self.workspace / PUBLISHED)
        if self.since is not None:
            yield from (self.since, self.since / LEDGER, self.since / RESULTS)


def from_workspace(folder: Path, said: Given | None = None) -> Given:
    """Return what a workspace was made from, by its index; what `said` gives goes before.

    Raises InputError where the folder is no workspace, or what it was made from is not there any more.
    """
    if not is_workspace(folder):
        message = f"{folder}不是收报的台账文件夹（里面没有{LEDGER}）；请给出 nianbao collect -o 的文件夹"
        raise InputError(message, file=str(folder))
    index = _index(folder)
    inputs = index.get("inputs") or {}
    found = {name: value for name, value in _paths(inputs, folder)}
    found |= {"office": str(inputs.get("office", "")), "year": index.get("year")}
    found["blank_as_zero"] = inputs.get("blank_as_zero") or None
    for name in ("due", "reply_by"):
        found[name] = _day(inputs.get(name))
    if said is not None:
        found |= {
            each.name: v for each in fields(said) if (v := getattr(said, each.name)) not in (None, "", ())
        }
    missing = [
        word for name, word in (("roster", "--roster 名录"), ("folder", "收报的文件夹")) if name not in found
    ]
    if missing:
        message = f"{folder}没有记下它是从哪里收的，请在命令里写明{'和'.join(missing)}"
        raise InputError(message, file=str(folder))
    given = Given(**{**found, "workspace": folder})
    for path, option in ((given.roster, "--roster"), (given.folder, "文件夹")):
        if not path.exists():
            message = f"{folder}是从{path}收的，现在找不到它；请在命令里用{option}写明现在的位置"
            raise InputError(message, file=str(path))
    return given


def merged(
    roster: Path | None, folder: Path | None, workspace: Path | None, said: Mapping[str, Any]
) -> Given:
    """Return what the options of the command line come to; raises InputError for too few of them."""
    nowhere = Path()
    rest = Given(roster or nowhere, folder or nowhere, **said)
    if workspace is not None:
        named = replace(rest, roster=roster, folder=folder)  # type: ignore[arg-type]
        return from_workspace(workspace, named)
    if roster is None or folder is None:
        raise InputError("收报要同时给出 --roster 名录 和收到的文件所在的文件夹（一个）")
    return rest


def _paths(inputs: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the paths of an index as seen from here."""

    def here(name: object) -> Path:
        return (folder / str(name)).resolve()

    for name in ("roster", "folder"):
        if inputs.get(name):
            yield name, here(inputs[name])
    for name in ("aliases", "since"):
        if inputs.get(name):
            yield name, here(inputs[name][0])
    yield "waivers", tuple(here(each) for each in inputs.get("waivers", ()))
    for name in ("previous", "published"):
        yield name, tuple(str(here(each)) for each in inputs.get(name, ()))


def _index(folder: Path) -> Mapping[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a cache: without it, the options say everything
    return index if isinstance(index, dict) else {}


def _day(text: object) -> date | None:
    try:
        return read_date(str(text), 1) if text else None
    except ValueError:
        return None


def _below(folder: Path) -> Sequence[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else ()


def _named(name: str) -> Sequence[Path]:
    path = Path(name)
    if path.is_dir():
        return _below(path)
    return [Path(each) for each in glob.glob(name, recursive=True)] if glob.has_magic(name) else [path]
