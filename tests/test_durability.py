"""A run that ends at any moment: what has a final name is whole, and the next run completes the rest."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nianbao
from crashes import (
    HELD,
    MANIFEST,
    PATIENCE,
    SUMMARY,
    VOIDED,
    Ended,
    assert_complete,
    assert_gone,
    assert_opens,
    assert_sound,
    cells,
    documents,
    finish,
    members,
    read_only,
    reports,
    run,
    save,
    signal_at_random,
    small_disk,
    start,
    temporaries,
    wait_for_main,
)
from nianbao.outputs.files import alone_in
from nianbao.pack import Pack

SLOW = pytest.mark.slow
COUNT = 200
INTERRUPTED = "已中断；已完成的文件都在，重新运行会接着做\n"


@dataclass(frozen=True)
class Batch:
    """An input, and what an undisturbed run makes of it."""

    source: Path
    made: dict[str, bytes]
    summary: list[list[Any]]
    kept: bytes

    @property
    def arguments(self) -> tuple[str, ...]:
        return "build", str(self.source), "-o"


def undisturbed(pack: Pack, source: Path, folder: Path) -> Batch:
    """Build `source` into `folder`, twice: the second time everything is kept."""
    nianbao.build([source], folder, pack)
    summary = cells(folder / SUMMARY)
    nianbao.build([source], folder, pack)
    return Batch(source, documents(folder), summary, (folder / SUMMARY).read_bytes())


@pytest.fixture(scope="module")
def batch(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Reports of 200 agencies, one of which fails the gate."""
    folder = tmp_path_factory.mktemp("batch")
    data = reports(pack, COUNT)
    data[90]["requests"]["new"]["total"] += 1
    made = undisturbed(pack, save(folder / "in.json", data), folder / "out")
    assert len(made.made) == COUNT - 1
    for name in list(made.made)[:3]:
        assert_opens(made.made[name], name, folder)
    return made


def kill_often(batch: Batch, folder: Path, seed: int, kills: int, jobs: int) -> None:
    """Kill runs over one folder, again and again; then let one end, and see that all is as undisturbed."""
    chance = random.Random(seed)
    arguments = (*batch.arguments, str(folder), "--jobs", str(jobs))
    duration, killed = 1.5, 0  # seconds, corrected by runs that are not killed
    while killed < kills:
        note = f"(seed {seed}, kill {killed + 1}, {jobs} jobs)"
        began = time.monotonic()
        child = start(*arguments)
        signal_at_random(child, folder, chance, duration, signal.SIGKILL)
        ended = finish(child)
        assert_sound(folder, batch.made, note=note)
        if ended.status == -signal.SIGKILL:
            killed += 1
            continue
        # The run was over before the signal came: it is complete, and the next begins anew.
        assert ended.status == 1, ended.err
        duration = time.monotonic() - began
        assert_complete(folder, batch.made, batch.summary, note)
        shutil.rmtree(folder)
    ended = run(*arguments)
    assert (ended.status, ended.err) == (1, "")
    assert_complete(folder, batch.made, batch.summary, f"(seed {seed}, {jobs} jobs)")
    assert run(*arguments).status == 1
    assert (folder / SUMMARY).read_bytes() == batch.kept


@pytest.mark.parametrize(("seed", "jobs"), [(1, 1), (3, 2)])
def test_a_run_killed_at_random_moments_is_completed_by_the_next(
    batch: Batch, tmp_path: Path, seed: int, jobs: int
) -> None:
    kill_often(batch, tmp_path / "out", seed, 5, jobs)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("seed", range(100, 110))
def test_two_hundred_kills_at_random_moments_lose_nothing(
    batch: Batch, tmp_path: Path, seed: int, jobs: int
) -> None:
    kill_often(batch, tmp_path / "out", seed, 10, jobs)


# ---- every moment, one after the other ----


@dataclass(frozen=True)
class Disturbed:
    """A run that was disturbed at its n-th change of the folder: how it ended, what it said."""

    moment: int
    folder: Path
    status: int
    said: str


def at_every_moment(folder: Path, disturbance: str, source: Path) -> list[Disturbed]:
    """Return how the runs ended that were disturbed at their first, second … change."""
    script = Path(__file__).with_name("moments.py")
    command = [sys.executable, str(script), str(folder), disturbance]
    command += ["build", str(source), "-o", str(folder), "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PATIENCE)
    *runs, last = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert (last[1], done.stderr) == (77, "")
    assert len(runs) > 15
    copies = [folder.with_name(f"{folder.name}-{moment}") for moment, _ in runs]
    return [
        Disturbed(moment, copy, status, Path(f"{copy}.err").read_text())
        for copy, (moment, status) in zip(copies, runs, strict=True)
    ]


@dataclass(frozen=True)
class Change:
    """A folder built from one input, and a second input that changes, adds and takes away reports."""

    folder: Path
    before: dict[str, bytes]
    after: Batch
    voided: list[str]


@pytest.fixture
def change(pack: Pack, tmp_path: Path) -> Change:
    """One report stays, one changes, one fails now, one has vanished, one is new."""
    data = reports(pack, 5)
    source = save(tmp_path / "in.json", data[:4])
    base, done = tmp_path / "base", tmp_path / "done"
    nianbao.build([source], base, pack)
    shutil.copytree(base, done)
    before = documents(base)
    data[1]["problems"] += "\n公开渠道还要增加。"
    data[2]["requests"]["new"]["total"] += 1
    save(source, [data[0], data[1], data[2], data[4]])
    voided = nianbao.build([source], done, pack).voided
    summary = cells(done / SUMMARY)
    nianbao.build([source], done, pack)
    assert len(voided) == 2
    after = Batch(source, documents(done), summary, (done / SUMMARY).read_bytes())
    return Change(base, before, after, sorted(voided))


def of_voided(summary: list[list[Any]]) -> list[list[Any]]:
    return [row for row in summary if row[0] == "已作废"]


def without_voided(summary: list[list[Any]]) -> list[list[Any]]:
    return [row for row in summary if row[0] != "已作废"]


def assert_next_run_completes(disturbed: Disturbed, change: Change, pack: Pack, resumed: bool) -> None:
    folder, note = disturbed.folder, f"(at change {disturbed.moment}: {disturbed.said})"
    assert_sound(folder, change.before if resumed else {}, change.after.made, note=note)
    before = cells(folder / SUMMARY) if (folder / SUMMARY).exists() else []
    nianbao.build([change.after.source], folder, pack)
    assert documents(folder) == change.after.made, note
    told = cells(folder / SUMMARY)
    if resumed:
        assert sorted(p.name for p in (folder / VOIDED).iterdir()) == change.voided, note
        # Whether the run that was disturbed has told it or the next one does: it is told.
        assert of_voided(change.after.summary) in (of_voided(before), of_voided(told)), note
    assert without_voided(told) == without_voided(change.after.summary), note
    assert temporaries(folder) == [], note
    nianbao.build([change.after.source], folder, pack)
    assert (folder / SUMMARY).read_bytes() == change.after.kept, note


@SLOW
@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_killed_at_every_moment_is_completed_by_the_next(
    pack: Pack, change: Change, tmp_path: Path, resumed: bool
) -> None:
    folder = change.folder if resumed else tmp_path / "new"
    for killed in at_every_moment(folder, "SIGKILL", change.after.source):
        assert killed.status == -signal.SIGKILL
        assert_next_run_completes(killed, change, pack, resumed)


@SLOW
@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_interrupted_at_every_moment_says_so_and_is_completed_by_the_next(
    pack: Pack, change: Change, tmp_path: Path, resumed: bool
) -> None:
    folder = change.folder if resumed else tmp_path / "new"
    for interrupted in at_every_moment(folder, "SIGINT", change.after.source):
        assert (interrupted.status, interrupted.said) == (130, INTERRUPTED)
        assert_next_run_completes(interrupted, change, pack, resumed)


@pytest.mark.parametrize(
    ("error", "reason", "resumed"),
    [
        pytest.param("ENOSPC", "磁盘已满", False, marks=SLOW),
        pytest.param("ENOSPC", "磁盘已满", True, marks=SLOW),
        ("EIO", "磁盘读写出错", False),
        pytest.param("EIO", "磁盘读写出错", True, marks=SLOW),
    ],
)
def test_a_disk_that_fails_at_any_moment_ends_in_one_sentence_and_is_completed_by_the_next(
    pack: Pack, change: Change, tmp_path: Path, error: str, reason: str, resumed: bool
) -> None:
    folder = change.folder if resumed else tmp_path / "new"
    for failed in at_every_moment(folder, error, change.after.source):
        assert failed.status == 2, failed
        assert re.fullmatch(rf"错误：无法写入{failed.folder}[^\n]*：{reason}，[^\n]*\n", failed.said), failed
        assert_next_run_completes(failed, change, pack, resumed)


def test_a_manifest_that_somebody_else_wrote_moves_no_file_of_another_folder(
    pack: Pack, change: Change, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.docx"
    mine.write_bytes(b"mine")
    line = {"name": "../mine.docx", "digest": "0", "sha256": "0", "source": str(change.after.source)}
    odd = [json.dumps({**line, "name": name}) for name in ("../mine.docx", str(mine), "..", "", "a\0b", 7)]
    with (change.folder / MANIFEST).open("a") as stream:
        stream.write("\n".join([*odd, "[]", "null", "7", '{"name": "x"}', "\ufffd{"]))
    result = nianbao.build([change.after.source], change.folder, pack)
    assert sorted(result.voided) == change.voided
    assert mine.read_bytes() == b"mine"
    assert documents(change.folder) == change.after.made


# ---- disks that are full or cannot be written ----


def refused(ended: Ended, reason: str) -> None:
    """Hold that a run ended in one sentence."""
    assert ended.status == 2, ended
    assert re.fullmatch(rf"错误：无法写入[^\n]*：{reason}[^\n]*\n", ended.err), ended.err


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=SLOW), "2"])
def test_a_full_disk_ends_in_one_sentence_and_with_more_room_the_next_run_completes(
    batch: Batch, tmp_path: Path, jobs: str
) -> None:
    with small_disk(tmp_path / "disk", "600k") as disk:
        arguments = (*batch.arguments, str(disk.folder / "out"), "--jobs", jobs)
        for _ in range(2):
            refused(run(*arguments, **disk.options), "磁盘已满" if disk.real else "文件超过了允许的大小")
            made = documents(disk.folder / "out")
            assert 5 < len(made) < COUNT - 1
            assert_sound(disk.folder / "out", batch.made)
        disk.enlarge()
        assert run(*arguments).status == 1
        assert_complete(disk.folder / "out", batch.made, batch.summary, f"({jobs} jobs)")


@pytest.mark.parametrize("size", ["4k", pytest.param("64k", marks=SLOW)])
def test_a_full_folder_for_temporary_files_ends_in_one_sentence(
    batch: Batch, tmp_path: Path, size: str
) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        arguments = (*batch.arguments, str(tmp_path / "out"), "--jobs", "1")
        ended = run(*arguments, env={**os.environ, "TMPDIR": str(disk.folder)}, **disk.options)
        refused(ended, "磁盘已满" if disk.real else "文件超过了允许的大小")
        assert not disk.real or str(disk.folder) in ended.err
        assert_sound(tmp_path / "out", batch.made)
        assert run(*arguments).status == 1
        assert_complete(tmp_path / "out", batch.made, batch.summary, size)


@pytest.mark.parametrize("mounted", [pytest.param(False, marks=SLOW), True])
def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence_and_stays_as_it_is(
    change: Change, tmp_path: Path, mounted: bool
) -> None:
    with small_disk(tmp_path / "disk", "9m") as disk:
        shutil.copytree(change.folder, disk.folder / "out")
        before = {path: path.read_bytes() for path in (disk.folder / "out").iterdir()}
        # Where nothing can be mounted, rights must do for both.
        frozen = mounted and disk.freeze()
        with nullcontext({}) if frozen else read_only(disk.folder) as options:
            for out in ("out", "new"):
                ended = run(*change.after.arguments, str(disk.folder / out), **options)
                refused(ended, "磁盘是只读的" if frozen else "没有写入权限")
        assert {path: path.read_bytes() for path in (disk.folder / "out").iterdir()} == before
        disk.enlarge()
        assert run(*change.after.arguments, str(disk.folder / "out")).status == 1
        assert documents(disk.folder / "out") == change.after.made


def test_a_second_run_into_a_folder_where_one_is_at_work_is_refused_and_touches_nothing(
    change: Change,
) -> None:
    before = {path: path.read_bytes() for path in change.folder.iterdir()}
    with alone_in(change.folder), pytest.raises(nianbao.OutputError, match=r"另一次运行正在写入.*换一个"):
        nianbao.build([change.after.source], change.folder, nianbao.load_pack())
    assert {path: path.read_bytes() for path in change.folder.iterdir()} == before
    nianbao.build([change.after.source], change.folder, nianbao.load_pack())
    assert documents(change.folder) == change.after.made


# ---- Ctrl-C and processes that die ----


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=SLOW) for seed in range(2, 30))])
def test_ctrl_c_at_any_time_ends_all_processes_without_a_traceback(
    batch: Batch, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    child = start(*batch.arguments, str(tmp_path / "out"), "--jobs", "2")
    wait_for_main(child)
    signal_at_random(child, tmp_path / "out", chance, 1.8, signal.SIGINT)
    ended = finish(child)
    note = f"(seed {seed}): {ended}"
    assert_gone(child.pid)
    # The last two are Python that is not there yet, or not there any more, for the message.
    assert (ended.status, ended.err.strip()) in (
        (1, ""),
        (130, INTERRUPTED.strip()),
        (130, "已中断"),
        (130, ""),
        (-signal.SIGINT, ""),
    ), note
    assert_sound(tmp_path / "out", batch.made, note=note)
    assert run(*batch.arguments, str(tmp_path / "out")).status == 1
    assert_complete(tmp_path / "out", batch.made, batch.summary, note)


@pytest.mark.parametrize("delay", [0.1, *(pytest.param(delay, marks=SLOW) for delay in (0, 0.05, 0.2, 0.4))])
def test_ctrl_c_while_workers_start_ends_without_a_traceback(
    batch: Batch, tmp_path: Path, delay: float
) -> None:
    child = start(*batch.arguments, str(tmp_path / "out"), "--jobs", "2", before=HELD)
    while child.poll() is None and len(members(child.pid)) < 3:
        time.sleep(0.002)
    time.sleep(delay)
    os.killpg(child.pid, signal.SIGINT)
    ended = finish(child)
    assert_gone(child.pid)
    assert (ended.status, ended.err) == (130, INTERRUPTED)


# Ctrl-C comes while Python sets the lock of an import free, or calls what is to be called at its end: it
# would print a traceback and go on.
DROPPED = {
    "import": """
def profile(frame, event, _):
    if event == "call" and frame.f_code.co_name == "cb" and "importlib" in frame.f_code.co_filename:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)
sys.setprofile(profile)
""",
    "end": "atexit.register(os.kill, os.getpid(), signal.SIGINT)",
}


@pytest.mark.parametrize(("moment", "status", "words"), [("import", 130, "已中断\n"), ("end", 0, "")])
def test_a_ctrl_c_that_python_would_drop_is_not_lost(
    tmp_path: Path, moment: str, status: int, words: str
) -> None:
    code = f"import atexit, os, signal, sys\nfrom nianbao.cli import main\n{DROPPED[moment]}\nmain()"
    command = [sys.executable, "-c", code, "pack", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (status, words)


def test_workers_end_when_their_driver_is_killed(batch: Batch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    child = start(*batch.arguments, str(out), "--jobs", "2", before=HELD)
    while child.poll() is None and len(members(child.pid)) < 4:
        time.sleep(0.01)  # the driver, its helper, two workers
    os.kill(child.pid, signal.SIGKILL)
    finish(child)
    assert_gone(child.pid)
    assert_sound(out, batch.made)
    assert run(*batch.arguments, str(out)).status == 1
    assert_complete(out, batch.made, batch.summary, "")
