"""Building many reports: the gate, names, resuming, voiding, and one bad input that costs only itself."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from conftest import consistent_report
from crashes import finish, reports, start
from nianbao.batch import SUMMARY, VOIDED, build
from nianbao.errors import InputError, OutputError
from nianbao.manifest import MANIFEST, Manifest
from nianbao.outputs.results.summary import Entry
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from nianbao.report import Report
from nianbao.workers import LocalPool


def save(path: Path, reports: list[Any]) -> Path:
    path.write_text(json.dumps(reports, ensure_ascii=False), encoding="utf-8")
    return path


def broken(data: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(data))
    copy["requests"]["new"]["total"] += 1
    return copy


def documents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*.docx")}


@pytest.fixture
def three(pack: Pack) -> list[dict[str, Any]]:
    return [consistent_report(pack, seed, agency=f"第{seed}局") for seed in (1, 2, 3)]


def name(data: dict[str, Any], extra: str = "") -> str:
    return f"{data['agency']}{data['year']}年政府信息公开工作年度报告{extra}.docx"


def test_a_report_that_fails_the_gate_is_not_written_and_the_others_are(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    source = save(tmp_path / "in.json", [three[0], broken(three[1]), three[2]])
    result = build([source], tmp_path / "out", pack)
    assert sorted(documents(tmp_path / "out")) == sorted([name(three[0]), name(three[2])])
    assert [(e.agency, e.status) for e in result.entries] == [
        ("第1局", "pass"),
        ("第2局", "fail"),
        ("第3局", "pass"),
    ]
    assert not result.ok


def test_with_a_reason_a_failing_report_is_written_under_a_name_that_says_so(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    source = save(tmp_path / "in.json", [broken(three[0])])
    build([source], tmp_path / "out", pack, allow_errors="领导已知")
    assert list(documents(tmp_path / "out")) == [name(three[0], "（未通过校验）")]
    notes = load_workbook(tmp_path / "out" / SUMMARY)
    assert any("领导已知" in str(c.value) for sheet in notes for row in sheet.iter_rows() for c in row)


def test_a_rerun_keeps_what_has_not_changed_and_makes_the_rest(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = build([save(tmp_path / "in.json", three)], out, pack)
    before = documents(out)
    three[1]["problems"] += "\n公开渠道还要增加。"
    (out / name(three[2])).unlink()
    second = build([save(tmp_path / "in.json", three)], out, pack)
    assert ((first.written, first.kept), (second.written, second.kept)) == ((3, 0), (2, 1))
    after = documents(out)
    assert [after[n] == before[n] for n in map(name, three)] == [True, False, True]


def test_an_output_that_was_tampered_with_is_made_again(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", three)
    build([source], out, pack)
    before = documents(out)
    (out / name(three[0])).write_bytes(b"changed")
    assert build([source], out, pack).written == 1
    assert documents(out) == before


def test_without_resume_everything_is_made_again(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    source = save(tmp_path / "in.json", three)
    build([source], tmp_path / "out", pack)
    assert build([source], tmp_path / "out", pack, resume=False).written == 3


def test_an_output_whose_report_now_fails_or_has_vanished_is_moved_away(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build([save(tmp_path / "in.json", three)], out, pack)
    result = build([save(tmp_path / "in.json", [three[0], broken(three[1])])], out, pack)
    assert sorted(result.voided) == sorted([name(three[1]), name(three[2])])
    assert list(documents(out)) == [name(three[0])]
    assert len(documents(out / VOIDED)) == 2
    assert build([tmp_path / "in.json"], out, pack).voided == ()


def test_outputs_of_another_input_stay_where_they_are(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build([save(tmp_path / "a.json", three[:1])], out, pack)
    assert build([save(tmp_path / "b.json", three[1:])], out, pack).voided == ()
    assert len(documents(out)) == 3


def test_two_reports_of_one_name_get_names_of_their_own_and_a_warning(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    twin = {**three[1], "agency": three[0]["agency"]}
    result = build([save(tmp_path / "in.json", [three[0], twin])], tmp_path / "out", pack)
    assert [e.output for e in result.entries] == [
        name(three[0]),
        name(three[0]).replace(".docx", "（2）.docx"),
    ]
    assert [f.rule for f in result.entries[1].findings] == ["SAME-NAME"]


@pytest.mark.parametrize(
    "agency", ["a/b:c*?.", "CON", "..", "局" * 100, "\u202e局", "aux.x", "   局   ", "~$局"]
)
def test_a_name_that_is_no_file_name_is_written_safely(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path, agency: str
) -> None:
    build([save(tmp_path / "in.json", [{**three[0], "agency": agency}])], tmp_path / "out", pack)
    (made,) = documents(tmp_path / "out")
    assert len(made.encode()) <= 255
    assert not set(made) & set('<>:"/\\|?*\u202e')


def test_a_bad_file_costs_itself_and_is_listed(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    save(folder / "good.json", three)
    (folder / "bad.xlsx").write_text("这不是工作簿", encoding="utf-8")
    (folder / "worse.json").write_text("[{", encoding="utf-8")
    result = build([folder], tmp_path / "out", pack)
    assert result.written == 3
    assert [Path(file).name for file, _ in result.unreadable] == ["bad.xlsx", "worse.json"]
    assert not result.ok


def test_nothing_readable_makes_nothing(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="找不到文件"):
        build([tmp_path / "no.xlsx"], tmp_path / "out", pack)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file_is_refused_in_one_sentence(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="无法写入"):
        build([save(tmp_path / "in.json", three)], tmp_path / "out", pack)


def test_processes_make_the_same_bytes_as_one(pack: Pack, tmp_path: Path) -> None:
    data = reports(pack, 150)
    data[70] = broken(data[70])
    source = save(tmp_path / "in.json", data)
    one = build([source], tmp_path / "one", pack)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        many = build([source], tmp_path / "many", pack, executor=executor)
    assert documents(tmp_path / "one") == documents(tmp_path / "many")
    assert [e.agency for e in one.entries] == [e.agency for e in many.entries]
    assert (tmp_path / "one" / SUMMARY).read_bytes() == (tmp_path / "many" / SUMMARY).read_bytes()


def test_the_manifest_names_each_output_with_its_digest(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build([save(tmp_path / "in.json", three)], out, pack)
    lines = Manifest(out).lines
    assert {n: line.sha256 for n, line in lines.items()} == {
        n: hashlib.sha256(content).hexdigest() for n, content in documents(out).items()
    }


def test_a_torn_last_line_and_leftover_temporaries_do_no_harm(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", three)
    build([source], out, pack)
    manifest = out / MANIFEST
    manifest.write_bytes(manifest.read_bytes()[:-30])
    (out / ".nianbao-1-dead.tmp").write_bytes(b"half")
    result = build([source], out, pack)
    assert (result.written, result.kept) == (1, 2)
    assert not list(out.glob(".nianbao-*"))
    assert build([source], out, pack).kept == 3


def test_a_worker_that_dies_costs_its_chunk_a_retry_not_the_batch(pack: Pack, tmp_path: Path) -> None:
    source = save(tmp_path / "in.json", reports(pack, 500))
    expected = build([source], tmp_path / "one", pack)
    killed: list[int] = []

    with LocalPool(2) as pool:

        def kill_once(entry: Entry) -> None:
            if not killed and pool._pool is not None and entry.agency > "第2":
                processes: Any = pool._pool._processes
                killed.extend(list(processes)[:1])
                os.kill(killed[0], signal.SIGKILL)

        result = build([source], tmp_path / "two", pack, executor=pool, progress=kill_once)
    assert killed
    assert [e.agency for e in result.entries] == [e.agency for e in expected.entries]
    assert documents(tmp_path / "two") == documents(tmp_path / "one")


# The driver waits for Ctrl-C once it has heard of so many reports; the workers go on with what they have.
HEARD = 200
WAITING = f"""
import time
from nianbao.batch import driver

def add(self, done, add=driver._Record.add):
    add(self, done)
    if len(self.entries) == {HEARD}:
        time.sleep(60)

driver._Record.add = add
"""


def test_ctrl_c_leaves_a_folder_that_a_rerun_completes(pack: Pack, tmp_path: Path) -> None:
    data = reports(pack, 1000)
    source, out = save(tmp_path / "in.json", data), tmp_path / "out"
    child = start("build", str(source), "-o", str(out), "--jobs", "2", before=WAITING)
    while child.poll() is None and len(list(out.glob("*.docx"))) < HEARD:
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    ended = finish(child)
    assert (ended.status, ended.err) == (130, "已中断；已完成的文件都在，重新运行会接着做\n")
    before = documents(out)
    assert HEARD <= len(before) < len(data)
    result = build([source], out, pack)
    assert (result.ok, result.written + result.kept) == (True, len(data))
    assert result.kept > 0
    after = documents(out)
    assert all(after[name] == content for name, content in before.items())


def test_dicts_reports_and_files_may_be_built_together(
    pack: Pack, three: list[dict[str, Any]], tmp_path: Path
) -> None:
    report = report_from_data(three[1], pack)
    source = save(tmp_path / "in.json", three[2:])
    result = build([three[0], report, source], tmp_path / "out", pack)
    assert [e.agency for e in result.entries] == ["第1局", "第2局", "第3局"]
    assert len(documents(tmp_path / "out")) == 3


def test_one_input_need_not_stand_in_a_list(pack: Pack, three: list[dict[str, Any]], tmp_path: Path) -> None:
    source = save(tmp_path / "in.json", three)
    for number, one in enumerate((source, str(source), three[0], Report.from_data(three[0], pack))):
        made = build(one, tmp_path / str(number), pack)
        assert [entry.status for entry in made.entries] == ["pass"] * (3 if number < 2 else 1)


def test_data_of_any_shape_becomes_a_report_that_says_what_is_wrong(pack: Pack) -> None:
    assert Report.from_data({"agency": 5, "year": "x", "requests": []}, pack).findings
    assert Report.from_data({}, pack).agency == ""
