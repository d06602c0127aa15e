"""One bad row, name, file or worker among thousands: it costs itself, and is named with its reason."""

from __future__ import annotations

import datetime
import json
import os
import resource
import signal
import time
import unicodedata
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

import nianbao
from conftest import consistent_report
from crashes import SUMMARY, assert_gone, documents, finish, members, reports, run, save, start
from nianbao import build, workers
from nianbao.batch import BatchResult
from nianbao.fields import place_value
from nianbao.filenames import Namer
from nianbao.outputs.forms import write_register
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from nianbao.workers import LocalPool

SLOW = pytest.mark.slow
POISON = 117
MEMORY = 3 << 30


def names(pack: Pack, data: list[dict[str, Any]]) -> set[str]:
    return {f"{d['agency']}{d['year']}年政府信息公开工作年度报告.docx" for d in data}


def assert_only_one_is_missing(
    result: BatchResult,
    folder: Path,
    data: list[dict[str, Any]],
    pack: Pack,
    *,
    field: str,
    reason: str,
    place: str,
) -> None:
    """Hold that all reports but the poisoned one are there, and it is listed: place, field and reason."""
    assert set(documents(folder)) == names(pack, data[:POISON] + data[POISON + 1 :])
    assert [number for number, entry in enumerate(result.entries) if entry.errors] == [POISON]
    findings = [f for f in result.entries[POISON].findings if f.severity == "error" and f.field == field]
    assert findings, result.entries[POISON].findings
    assert reason in findings[0].message
    found = findings[0].where
    assert place in (found.cell, found.pointer, f"第{found.line}行"), found
    listed = [
        [str(cell) for cell in row if cell is not None]
        for row in load_workbook(folder / SUMMARY)["问题清单"].iter_rows(min_row=2, values_only=True)
    ]
    assert any(data[POISON]["agency"] in row and any(reason in cell for cell in row) for row in listed), (
        listed
    )


def build_many(source: Path, out: Path, pack: Pack, count: int) -> BatchResult:
    """Build with workers where there are many."""
    with LocalPool(2) if count > 1000 else nullcontext() as pool:
        return build([source], out, pack, executor=pool)


MANY = pytest.param(10_000, id="10000", marks=SLOW)
NEW = "requests.new.natural_person"
POISONS = {
    "words": (NEW, "十几件", "“十几件”，不是数字"),
    "list": (NEW, [1, 2], "不是列表或对象"),
    "control": ("problems", "不够\u0001及时", "第3个字符U+0001是Word文件不能保存的字符"),
    "surrogate": ("problems", "不够\ud800及时", "第3个字符U+D800是Word文件不能保存的字符"),
    "long": ("problems", "长" * 200_001, "有200001个字，最多200000个字"),
    "boolean": (NEW, True, "逻辑值TRUE"),
    "negative": (NEW, -3, "不能为负数"),
    "fraction": (NEW, 1.5, "应为整数"),
    "huge": (NEW, 10**30, "超出上限"),
}
SOONER = ("words", "control")


@pytest.mark.parametrize("count", [pytest.param(300, id="300"), MANY])
@pytest.mark.parametrize(
    "poison", [*SOONER, *(pytest.param(poison, marks=SLOW) for poison in POISONS if poison not in SOONER)]
)
def test_a_poisoned_report_among_many_costs_only_itself(
    pack: Pack, tmp_path: Path, count: int, poison: str
) -> None:
    field, value, reason = POISONS[poison]
    data = reports(pack, count)
    place_value(data[POISON], field, value)
    source = tmp_path / "in.json"
    source.write_text(json.dumps(data), encoding="utf-8")
    result = build_many(source, tmp_path / "out", pack, count)
    pointer = f"/{POISON}/{field.replace('.', '/')}"
    assert_only_one_is_missing(
        result, tmp_path / "out", data, pack, field=field, reason=reason, place=pointer
    )


CELLS = {
    "error": ("#DIV/0!", "#DIV/0!"),
    "date": (datetime.date(2023, 1, 5), "日期"),
    "words": ("若干", "“若干”，不是数字"),
    "percentage": (0.5, "应为整数"),
    "escaped control character": ("3_x0001_", "“3\ufffd”，不是数字"),
}
MARK = 987_654


@pytest.mark.parametrize("count", [pytest.param(150, id="150"), MANY])
@pytest.mark.parametrize(
    "poison", [poison if poison == "error" else pytest.param(poison, marks=SLOW) for poison in CELLS]
)
def test_a_poisoned_row_of_a_register_costs_only_itself(
    pack: Pack, tmp_path: Path, count: int, poison: str
) -> None:
    value, reason = CELLS[poison]
    data = reports(pack, count)
    place_value(data[POISON], NEW, MARK)
    source = tmp_path / "in.xlsx"
    write_register(pack, source, (report_from_data(report, pack) for report in data))
    book = load_workbook(source)
    cell = next(c for row in book.active.iter_rows() for c in row if c.value == MARK)
    cell.value = value
    book.save(source)
    result = build_many(source, tmp_path / "out", pack, count)
    assert_only_one_is_missing(
        result, tmp_path / "out", data, pack, field=NEW, reason=reason, place=cell.coordinate
    )


# ---- names ----


def test_agencies_whose_names_are_no_file_names_get_safe_ones_the_same_in_every_run(
    pack: Pack, tmp_path: Path
) -> None:
    agencies = [
        "甲/乙局",
        "CON",
        "..",
        "甲\u202e乙局",
        "甲局.",
        "甲局",
        "甲局",
        "局" * 90,
        "a<b>|?*局",
        "A局",
        "a局",
    ]
    agencies += ["é局", "e\u0301局", ".nianbao-1.tmp", "已作废", "manifest.jsonl", " \t甲局"]
    data = [consistent_report(pack, n % 3, agency=agency) for n, agency in enumerate(agencies)]
    source = save(tmp_path / "in.json", data)
    result = build([source], tmp_path / "out", pack)
    made = sorted(documents(tmp_path / "out"))
    assert len(made) == len(agencies) == len({unicodedata.normalize("NFC", n).casefold() for n in made})
    for name in made:
        assert len(name.encode()) <= 255
        assert not set(name) & set('<>:"/\\|?*\u202e')
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.json", "out"]
    said = {
        entry.agency: [f.rule for f in entry.findings if f.severity == "warning"] for entry in result.entries
    }
    assert {agency for agency, rules in said.items() if "FILE-NAME" in rules} >= {
        "甲/乙局",
        "a<b>|?*局",
        "局" * 90,
    }
    assert "FILE-NAME" not in said["甲局"]
    twins = [entry for entry in result.entries if "（2）" in entry.output]
    assert twins
    assert all([f.rule for f in entry.findings if f.severity == "warning"] for entry in twins)
    renamed = {entry.output: entry.warnings for entry in result.entries}
    again = build([source], tmp_path / "again", pack)
    assert {entry.output: entry.warnings for entry in again.entries} == renamed
    assert documents(tmp_path / "again") == documents(tmp_path / "out")


def test_a_name_that_is_no_text_at_all_costs_only_its_report(pack: Pack, tmp_path: Path) -> None:
    data = reports(pack, 3)
    data[1]["agency"] = "甲\ud800局"
    result = build(data, tmp_path / "out", pack)
    assert [entry.errors > 0 for entry in result.entries] == [False, True, False]
    assert set(documents(tmp_path / "out")) == names(pack, [data[0], data[2]])


def test_thousands_of_one_name_are_numbered_without_trying_them_all() -> None:
    namer = Namer()
    made = [namer.name("甲局（2）" if number == 7 else "甲局")[0] for number in range(20_000)]
    assert len(set(made)) == len(made)
    assert made[:3] == ["甲局", "甲局（2）", "甲局（3）"]


# ---- a stray cell ----


@pytest.mark.parametrize("address", ["XFD1048576", pytest.param("GZ1048576", marks=SLOW)])
def test_a_workbook_with_a_stray_cell_is_named_and_the_others_are_built_in_little_memory(
    pack: Pack, tmp_path: Path, address: str
) -> None:
    data = reports(pack, 12)
    folder = tmp_path / "in"
    folder.mkdir()
    for name, part in (("好.xlsx", data[:6]), ("坏.xlsx", data[6:])):
        write_register(pack, folder / name, (report_from_data(report, pack) for report in part))
    book = load_workbook(folder / "坏.xlsx")
    book.active[address] = 1
    book.save(folder / "坏.xlsx")
    ended = run("build", str(folder), "-o", str(tmp_path / "out"), preexec_fn=limit_memory)
    assert ended.status == 1, ended
    assert set(documents(tmp_path / "out")) == names(pack, data[:6])
    (line,) = ended.err.splitlines()
    assert line.startswith("未能读取：")
    assert f"坏.xlsx：工作表“登记表”的{address}单元格有内容，离表格太远" in line


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


# ---- workers that die ----


def kill_workers(session: int, driver: int, after: int, out: Path, times: int) -> int:
    """Kill a worker of a run, and again, each time after some more documents; return how many were killed."""
    killed = 0
    while killed < times and driver in members(session):
        goal = len(os.listdir(out)) + after if out.exists() else after
        while driver in members(session) and (not out.exists() or len(os.listdir(out)) < goal):
            time.sleep(0.005)
        workers = [pid for pid in members(session) if pid != driver and "tracker" not in command(pid)]
        if workers:
            with suppress(ProcessLookupError):
                os.kill(workers[0], signal.SIGKILL)
            killed += 1
    return killed


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@SLOW
@pytest.mark.parametrize("times", [1, 6])
def test_a_worker_killed_in_a_batch_of_a_thousand_costs_nothing(
    pack: Pack, tmp_path: Path, times: int
) -> None:
    source = save(tmp_path / "in.json", reports(pack, 1_000))
    expected = build([source], tmp_path / "one", pack)
    out = tmp_path / "out"
    child = start("build", str(source), "-o", str(out), "--jobs", "2")
    killed = kill_workers(child.pid, child.pid, 300 if times == 1 else 120, out, times)
    ended = finish(child)
    assert killed
    assert (ended.status, ended.err.replace("已处理500份\n", "").replace("已处理1000份\n", "")) == (0, "")
    assert_gone(child.pid)
    assert documents(out) == documents(tmp_path / "one")
    assert (out / SUMMARY).read_bytes() == expected.summary.read_bytes()
    assert not list(out.glob(".nianbao-*"))


# Loaded by every process that Python starts: a worker ends as if it had run out of memory over one report.
FATAL = """
import multiprocessing, os
from nianbao.batch import work

def process(result, task, options, files, process=work.process):
    return os._exit(1) if task.raw.values["agency"] == "第150局" else process(result, task, options, files)

work.process = process
"""


def test_a_report_that_kills_every_worker_costs_only_itself(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FATAL, encoding="utf-8")
    path = [str(tmp_path), str(Path(nianbao.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    # A copy of this process would not load it.
    monkeypatch.setattr(LocalPool, "copy_if_alone", lambda _: None)
    data = reports(pack, 220)
    with LocalPool(2) as pool:
        result = build([save(tmp_path / "in.json", data)], tmp_path / "out", pack, executor=pool)
    assert [entry.agency for entry in result.entries] == [report["agency"] for report in data]
    assert [number for number, entry in enumerate(result.entries) if entry.errors] == [150]
    assert "WORKER" in [finding.rule for finding in result.entries[150].findings]
    assert set(documents(tmp_path / "out")) == names(pack, data[:150] + data[151:])
    assert not list((tmp_path / "out").glob(".nianbao-*"))


# A worker ends, once, when it has said how long its result is and nothing of the result.
TORN = """
import os, pathlib, struct, sys
from multiprocessing import connection

once = pathlib.Path(__file__).with_name("once")

def send(self, content, whole=connection.Connection._send_bytes):
    if len(content) < 20_000 or once.exists():
        return whole(self, content)
    once.touch()
    self._send(struct.pack("!i", len(content)))
    os._exit(1)

if "--multiprocessing-fork" in sys.orig_argv:
    connection.Connection._send_bytes = send
"""


def test_a_worker_that_dies_while_it_sends_its_result_costs_nothing(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(TORN, encoding="utf-8")
    path = [str(tmp_path), str(Path(nianbao.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    # A copy of this process would not load it.
    monkeypatch.setattr(LocalPool, "copy_if_alone", lambda _: None)
    monkeypatch.setattr(workers, "_GRACE", 0.5)
    # Only a worker that starts Python anew reads sitecustomize.
    monkeypatch.setattr(workers, "_is_alone", lambda: False)
    data = reports(pack, 220)
    with LocalPool(2) as pool:
        result = build([save(tmp_path / "in.json", data)], tmp_path / "out", pack, executor=pool)
    assert (tmp_path / "once").exists()
    assert [(entry.agency, entry.status) for entry in result.entries] == [(r["agency"], "pass") for r in data]
    assert set(documents(tmp_path / "out")) == names(pack, data)
