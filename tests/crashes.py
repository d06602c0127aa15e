"""What the tests of durability share: batches, children that are killed, what a folder must look like."""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from conftest import consistent_report
from nianbao.pack import Pack

MANIFEST, SUMMARY, VOIDED = "manifest.jsonl", "检查结果.xlsx", "已作废"
MAIN = "from nianbao.cli import main; print('ready', flush=True); main()"
# A run that does not end by itself: it waits where it would look for outputs whose report has vanished.
HELD = "import time; from nianbao.batch import driver; driver.void = lambda *_: time.sleep(60)"
# What the summary says of the run and not of the reports.
_OF_THE_RUN = ("未变，沿用",)
PATIENCE = 60.0


def reports(pack: Pack, count: int, kinds: int = 9) -> list[dict[str, Any]]:
    """Return consistent reports of `count` agencies; figures repeat after `kinds`, names do not."""
    made = [json.dumps(consistent_report(pack, seed)) for seed in range(min(count, kinds))]
    return [{**json.loads(made[seed % kinds]), "agency": f"第{seed}局"} for seed in range(count)]


def save(path: Path, data: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def documents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.docx")}


def cells(path: Path) -> list[list[Any]]:
    """Return the values of a summary, sheet by sheet; what it says of the run itself is left out."""
    book = load_workbook(path)
    return [
        [None if value in _OF_THE_RUN else value for value in row]
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
    ]


def assert_opens(content: bytes, name: str, folder: Path) -> None:
    path = folder / f"opened-{name}"
    path.write_bytes(content)
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
    path.unlink()


def assert_sound(folder: Path, *expected: Mapping[str, bytes], note: str = "") -> None:
    """Hold that nothing under a final name is anything but whole; `expected` are the documents allowed."""
    for path in (*folder.glob("*.docx"), *(folder / VOIDED).glob("*.docx")):
        content = path.read_bytes()
        assert any(content == known.get(path.name) for known in expected), f"{path.name} {note}"
    if (folder / SUMMARY).exists():
        load_workbook(folder / SUMMARY).close()
    if (folder / MANIFEST).exists():
        *lines, _torn = (folder / MANIFEST).read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            # A run that went on after a torn line has ended it.
            assert line.startswith(b"{"), f"line {number} of the manifest {note}"
    known = {MANIFEST, SUMMARY, VOIDED}
    strangers = [p.name for p in folder.glob("*") if p.suffix != ".docx" and p.name not in known]
    assert all(is_temporary(name) for name in strangers), f"{strangers} {note}"


def is_temporary(name: str) -> bool:
    return name.startswith(".nianbao-") and name.endswith(".tmp")


def temporaries(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if is_temporary(path.name)]


def assert_complete(folder: Path, expected: Mapping[str, bytes], summary: list[list[Any]], note: str) -> None:
    """Hold that a folder is what an undisturbed run makes of it."""
    assert documents(folder) == expected, note
    assert cells(folder / SUMMARY) == summary, note
    assert temporaries(folder) == [], note


@dataclass(frozen=True)
class Ended:
    """How a child ended; `status` is negative for a signal."""

    status: int
    out: str
    err: str


def start(*arguments: str, before: str = "", **options: Any) -> subprocess.Popen[str]:
    """Start `nianbao` in a session of its own, so that it can be killed with all its workers.

    `before` is a program that runs first, such as HELD.
    """
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", f"{before}\n{MAIN}", *arguments]
    return subprocess.Popen(command, start_new_session=True, **streams, **options)


def finish(child: subprocess.Popen[str]) -> Ended:
    out, err = child.communicate(timeout=PATIENCE)
    return Ended(child.returncode, out, err)


def run(*arguments: str, **options: Any) -> Ended:
    return finish(start(*arguments, **options))


def members(session: int) -> list[int]:
    """Return the processes that belong to a session and live."""
    return [pid for pid, state, leader in processes() if leader == session and state != "Z"]


def processes() -> Iterator[tuple[int, str, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        yield int(stat.parent.name), state, int(session)


def assert_gone(session: int) -> None:
    """Hold that no process of a session is left, or soon is."""
    deadline = time.monotonic() + PATIENCE
    while left := members(session):
        assert time.monotonic() < deadline, f"processes left: {left}"
        time.sleep(0.05)


def signal_at_random(
    child: subprocess.Popen[str], folder: Path, chance: random.Random, duration: float, number: int
) -> None:
    """Send a signal to a child and its workers after a random time, or a little after a random document."""
    goal = len(list(folder.glob("*.docx"))) + chance.randint(1, 150) if chance.random() < 0.5 else None
    end = time.monotonic() + (chance.uniform(0, duration) if goal is None else PATIENCE)
    while child.poll() is None and time.monotonic() < end:
        if goal is not None and len(os.listdir(folder) if folder.exists() else ()) >= goal:
            time.sleep(chance.uniform(0, 0.02))
            break
        time.sleep(0.002)
    if child.poll() is None or number == signal.SIGKILL:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            return


def wait_for_main(child: subprocess.Popen[str]) -> None:
    """Wait until a child is past what Python does before any program of ours runs."""
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"


# ---- disks ----


class Disk:
    """A folder with little room: a file system of its own, or else a limit on the size of files.

    A file system needs no rights where a process may have a namespace of its own, and is gone with it.
    """

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.real, self.options = folder, False, {}
        self._mount = str(folder)
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh"]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._shell = subprocess.Popen(command, text=True, **streams)
        if self._do(f"mount -t tmpfs -o size={size} none"):
            self.real = True
            self.folder = Path(f"/proc/{self._shell.pid}/root{folder}")
        else:
            self.options = {"preexec_fn": limit_files}

    def _do(self, command: str) -> bool:
        """Return whether a command on the mount point succeeds."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        try:
            self._shell.stdin.write(f"{command} '{self._mount}' && echo yes || echo no\n")
            self._shell.stdin.flush()
        except BrokenPipeError:
            return False
        return self._shell.stdout.readline() == "yes\n"

    def enlarge(self) -> None:
        """Make room, and take back `freeze`."""
        assert not self.real or self._do("mount -o remount,rw,size=50m")

    def freeze(self) -> bool:
        """Make the disk read-only; return whether that could be done."""
        return self.real and self._do("mount -o remount,ro")

    def close(self) -> None:
        self._shell.kill()
        self._shell.communicate()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    """Give a disk with room for `size`."""
    disk = Disk(folder, size)
    try:
        yield disk
    finally:
        disk.close()


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))


@contextmanager
def read_only(folder: Path) -> Iterator[dict[str, Any]]:
    """Take the right to write into a folder away; give the options of a child for which that counts."""
    places = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    try:
        yield {"preexec_fn": drop_privilege} if os.geteuid() == 0 else {}
    finally:
        for place in places:
            place.chmod(0o755)


def drop_privilege() -> None:
    """Give up what lets root write everywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    drop_from_bounding_set, may_override = 24, 1
    if libc.prctl(drop_from_bounding_set, may_override, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
