"""A run that ends at any moment: what has a final name is whole, and the next run completes the rest."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nianbao
from crashes import (
    PATIENCE,
    SUMMARY,
    VOIDED,
    assert_complete,
    assert_gone,
    assert_opens,
    assert_sound,
    cells,
    documents,
    finish,
    reports,
    run,
    save,
    signal_at_random,
    start,
    temporaries,
)
from nianbao.pack import Pack

COUNT = 200


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
    duration, killed = 1.5, 0
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


@pytest.mark.parametrize(("seed", "jobs"), [(1, 1), (2, 1), (3, 2), (4, 2)])
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


def at_every_moment(folder: Path, number: str, *arguments: str) -> tuple[dict[int, int], str]:
    """Return how the runs ended that got the signal at their first, second … change, and what they said."""
    script = Path(__file__).with_name("moments.py")
    command = [sys.executable, str(script), str(folder), number, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    lines = [line.split() for line in done.stdout.splitlines()]
    ended = {int(line[0]): int(line[1]) for line in lines if len(line) == 2 and line[0].isdigit()}
    assert ended, done.stderr
    return ended, done.stderr


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


@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_killed_at_every_moment_is_completed_by_the_next(
    pack: Pack, change: Change, tmp_path: Path, resumed: bool
) -> None:
    folder = change.folder if resumed else tmp_path / "new"
    ended, _ = at_every_moment(folder, "SIGKILL", *change.after.arguments, str(folder), "--jobs", "1")
    *killed, last = ended.items()
    assert last[1] == 1
    assert len(killed) > 15
    assert {code for _, code in killed} == {-signal.SIGKILL}
    for moment, _ in killed:
        note = f"(killed at change {moment})"
        copy = folder.with_name(f"{folder.name}-{moment}")
        assert_sound(copy, change.before if resumed else {}, change.after.made, note=note)
        before = cells(copy / SUMMARY) if (copy / SUMMARY).exists() else []
        nianbao.build([change.after.source], copy, pack)
        assert documents(copy) == change.after.made, note
        told = cells(copy / SUMMARY)
        if resumed:
            assert sorted(p.name for p in (copy / VOIDED).iterdir()) == change.voided, note
            # Whether the run that was killed has told it or the next one does: it is told.
            assert of_voided(change.after.summary) in (of_voided(before), of_voided(told)), note
        assert without_voided(told) == without_voided(change.after.summary), note
        assert temporaries(copy) == [], note
        nianbao.build([change.after.source], copy, pack)
        assert (copy / SUMMARY).read_bytes() == change.after.kept, note
