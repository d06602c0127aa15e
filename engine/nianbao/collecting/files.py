"""What lies in a folder: every report in it, read by workers where there are many, and all other files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass, field
from pathlib import Path

from nianbao.bind import bind
from nianbao.collecting.workspace import LEDGER, is_workspace
from nianbao.errors import InputError
from nianbao.findings import Where
from nianbao.inputs import expand
from nianbao.outputs.results.words import spot_words
from nianbao.pack import Pack
from nianbao.readers import read_raw
from nianbao.report import Report
from nianbao.workers import LocalPool

# Fewer files are read sooner than workers are started.
_FEW, _CHUNK = 24, 8
Outcome = tuple[Path, list[Report] | str]
# When a file was last written, in nanoseconds, and its size.
State = tuple[int, int]


@dataclass
class Found:
    """The reports of a folder with the files that hold none, as (file, reason)."""

    reports: list[Report] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class Memory:
    """What was read of the files of a folder: one that has not changed since need not be read again."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[State, list[Report] | str]] = {}

    def recall(self, states: Mapping[Path, State]) -> dict[Path, list[Report] | str]:
        """Return what is known of files in these states, and forget all others."""
        self._known = {p: known for p, known in self._known.items() if states.get(p) == known[0]}
        return {path: outcome for path, (_, outcome) in self._known.items()}

    def keep(self, path: Path, state: State, outcome: list[Report] | str) -> None:
        """Keep what was read of a file that was in a state before it was read."""
        self._known[path] = state, outcome


def state_of(path: Path) -> State:
    """Return what changes when a file does; the same for all that are not there."""
    try:
        found = path.stat()
    except OSError:
        return 0, -1
    return found.st_mtime_ns, found.st_size


def read_folder(
    folder: Path,
    pack: Pack,
    *,
    without: Sequence[Path],
    blank_as_zero: str | None,
    jobs: int,
    memory: Memory | None = None,
) -> Found:
    """Return what lies in a folder and below; nothing below `without` or a workspace is looked at.

    Files that `memory` knows as they are are not read again. Raises InputError where there is no such folder,
    or it is a workspace itself.
    """
    if not folder.is_dir():
        raise InputError(f"找不到文件夹{folder}，请检查路径", file=str(folder))
    if is_workspace(folder):
        raise InputError(
            f"{folder}是收报的台账文件夹，不是收到的文件；请给出单位报来的文件所在的文件夹", file=str(folder)
        )
    ledgers = [path.parent for path in folder.rglob(LEDGER) if is_workspace(path.parent)]
    # A workspace may be the folder in which the folder lies.
    apart = [a for p in (*without, *ledgers) if not folder.resolve().is_relative_to(a := p.resolve())]
    files = (p for p in folder.rglob("*") if p.is_file() and _is_shown(p, folder))
    everything = sorted(p for p in files if not any(p.resolve().is_relative_to(a) for a in apart))
    inputs = {p for p in expand([folder]) if isinstance(p, Path)} if everything else set()
    paths = [p for p in everything if p in inputs]
    found = Found(ignored=[relative(p, folder) for p in everything if p not in inputs])
    for path, outcome in _remembered(paths, pack, blank_as_zero, jobs, memory):
        if isinstance(outcome, str):
            found.unreadable.append((relative(path, folder), outcome))
        else:
            found.reports += outcome
    return found


def _remembered(
    paths: Sequence[Path], pack: Pack, zero: str | None, jobs: int, memory: Memory | None
) -> Iterator[Outcome]:
    """Yield what each file holds, in order; only those that are not remembered are read."""
    if memory is None:
        yield from _outcomes(paths, pack, zero, jobs)
        return
    # The state comes first: what is written while we read makes it be read again.
    states = {path: state_of(path) for path in paths}
    known = memory.recall(states)
    for path, outcome in _outcomes([p for p in paths if p not in known], pack, zero, jobs):
        memory.keep(path, states[path], outcome)
        known[path] = outcome
    yield from ((path, known[path]) for path in paths)


def mark(where: Where, folder: Path) -> str:
    """Return the file of a report as people name it, with the row or item where a file holds many."""
    name = relative(Path(where.file), folder) if where.file else ""
    spot = spot_words(Where(row=where.row, line=where.line, pointer=where.pointer))
    return f"{name} {spot}".strip()


def relative(path: Path, folder: Path) -> str:
    """Return a path as seen from a folder, with slashes on every system."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.name


def read_chunk(paths: Sequence[Path], pack: Pack, blank_as_zero: str | None) -> list[Outcome]:
    """Return for each file its reports, or why it cannot be read; runs in a worker."""
    outcomes: list[Outcome] = []
    for path in paths:
        try:
            outcomes.append((path, [bind(raw, pack, blank_as_zero) for raw in read_raw(path, pack)]))
        except InputError as error:
            outcomes.append((path, error.message))
    return outcomes


def _outcomes(paths: Sequence[Path], pack: Pack, zero: str | None, jobs: int) -> Iterator[Outcome]:
    if len(paths) <= _FEW or jobs == 1:
        yield from read_chunk(paths, pack, zero)
        return
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    with LocalPool(jobs) as pool:
        futures = [pool.submit(read_chunk, chunk, pack, zero) for chunk in chunks]
        for chunk, future in zip(chunks, futures, strict=True):
            try:
                yield from future.result()
            except (BrokenExecutor, CancelledError):
                # One of these, or of another chunk, killed a worker: each is read in a worker of its own.
                pool.restart()
                for path in chunk:
                    yield _alone(path, pack, zero, pool)


def _alone(path: Path, pack: Pack, zero: str | None, pool: LocalPool) -> Outcome:
    try:
        return pool.submit(read_chunk, [path], pack, zero).result()[0]
    except BrokenExecutor:
        pool.restart()
        return path, f"{path.name}：读取时工作进程异常退出（可能是内存不足），其余文件不受影响；请另存后重试"


def _is_shown(path: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
