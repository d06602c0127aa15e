"""The benchmarks compare what they say: translated templates are whole, wrong outputs are seen."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from nianbao.rendering.context import template_context

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import common
import dialects
import engines
import outputs
import peers
import rollup
import rules
import suspects

DIALECTS = [engine for engine in engines.ENGINES if engine.dialect]


@pytest.fixture(scope="module")
def template(pack: Pack) -> bytes:
    """The form that the engines fill."""
    return bytes(pack.sources[pack.meta["template"][0]["file"]])


@pytest.fixture(scope="module")
def filled(pack: Pack, template: bytes, examples: list[dict[str, Any]]) -> tuple[bytes, outputs.Expected]:
    """A right output, and what is expected of it: no two of its figures are alike."""
    report = report_from_data(peers.probe(examples[1]), pack)
    return render(report, pack), outputs.expected(template, template_context(report, pack))


def document_of(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    return saved(document)


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def texts_of(docx: bytes) -> list[str]:
    """All paragraphs of a document, those in tables too."""
    document = Document(io.BytesIO(docx))
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return [p.text for part in (document, *cells) for p in part.paragraphs]


LOOPS = (
    "《{{ a.title }}》",
    "{%p for item in a.more %}",
    "{%p for p in item.text|paragraphs %}",
    "注：{{ p }}",
    "{%p endfor %}",
    "{%p endfor %}",
    "{{ a.end }}",
)


@pytest.mark.parametrize(
    ("name", "translated"),
    [
        (
            "Carbone",
            "《{d.a.title}》|注：{d.a.more[i].text[i].p}|{d.a.more[i].text[i+1].p}|{d.a.more[i+1]}|{d.a.end}",
        ),
        ("docxtemplater", "《{a.title}》|{#a.more}|{#text}|注：{p}|{/text}|{/a.more}|{a.end}"),
        (
            "docx-templates",
            "《+++INS a.title+++》|+++FOR item IN a.more+++|+++FOR p IN $item.text+++|注：+++INS $p.p+++"
            "|+++END-FOR p+++|+++END-FOR item+++|+++INS a.end+++",
        ),
        (
            "easy-template-x",
            '《{a.title}》|{#a.more [loopOver: "paragraph"]}{#text [loopOver: "paragraph"]}'
            "注：{p}{/text}{/a.more}|{a.end}",
        ),
    ],
)
def test_values_and_nested_loops_are_translated(name: str, translated: str) -> None:
    (engine,) = [engine for engine in DIALECTS if engine.name == name]
    assert engine.dialect
    assert texts_of(dialects.translate(document_of(*LOOPS), engine.dialect)) == translated.split("|")


@pytest.mark.parametrize("engine", DIALECTS, ids=lambda engine: engine.name)
def test_a_translated_form_holds_every_tag_and_no_other(engine: engines.Engine, template: bytes) -> None:
    assert engine.dialect
    texts = texts_of(dialects.translate(template, engine.dialect))
    assert not [text for text in texts if "{{" in text or "{%" in text]
    fields = [text for text in texts_of(template) if dialects.VALUE.fullmatch(text) and "." in text]
    assert len(fields) > 200
    names = [dialects.VALUE.findall(text)[0] for text in fields]
    assert not {engine.dialect.value(name, []) for name in names} - set(texts)
    loops = [text for text in texts_of(template) if dialects.is_end(text)]
    closing = [text for text in texts if any(end in text for end in ("[i+1]", "{/", "END-FOR"))]
    assert sum(max(1, text.count("{/")) for text in closing) == len(loops) > 20


@pytest.mark.parametrize("tag", ["{% if a %}", "{{ a|upper }}", "{%p for p in a|sort %}", "{# a #}"])
def test_a_tag_without_translation_is_an_error(tag: str) -> None:
    with pytest.raises(ValueError, match="no translation"):
        dialects.translate(document_of(tag), dialects.Mustache())


def test_a_loop_that_prints_nothing_is_an_error_where_its_tags_need_a_neighbour() -> None:
    empty = document_of("{{ a }}", "{%p for p in b|paragraphs %}", "{%p endfor %}")
    with pytest.raises(ValueError, match="the loop over b"):
        dialects.translate(empty, dialects.EasyTemplate())


def test_texts_are_cut_into_paragraphs_and_data_are_flattened() -> None:
    data = {"a": {"title": "t", "more": [{"text": "x\ny"}, {"text": ""}], "end": 0}}
    paths = dialects.text_paths(document_of(*LOOPS))
    assert paths == {"a.more[].text"}
    more = [{"text": [{"p": "x"}, {"p": "y"}]}, {"text": []}]
    assert dialects.nested(data, paths) == {"a": {"title": "t", "more": more, "end": 0}}
    flattened = {"a.title": "t", "a.more": more, "a.end": 0}
    assert dialects.flat(dialects.nested(data, paths)) == flattened
    assert outputs.expected(document_of(*LOOPS), data).paragraphs == ("《t》", "注：x", "注：y", "0")


def test_no_two_figures_of_the_probe_are_alike(filled: tuple[bytes, outputs.Expected]) -> None:
    figures = list(filled[1].figures.values())
    assert len(figures) == len(set(figures)) == 200


def test_a_right_output_has_no_problems(filled: tuple[bytes, outputs.Expected]) -> None:
    assert outputs.problems(*filled) == []


def test_the_figures_of_every_statutory_table_are_checked(filled: tuple[bytes, outputs.Expected]) -> None:
    docx, wanted = filled
    for number in range(outputs.TABLES):
        document = Document(io.BytesIO(docx))
        row, column = next((r, c) for t, r, c in wanted.figures if t == number)
        document.tables[number].rows[row].cells[column].paragraphs[0].runs[0].text = "7"
        (problem,) = outputs.problems(saved(document), wanted)
        assert problem.startswith(f"table {number + 1}, row {row + 1}, column {column + 1}: '7' instead of")


@pytest.mark.parametrize("what", ["missing", "too many", "order"])
def test_paragraphs_are_checked(filled: tuple[bytes, outputs.Expected], what: str) -> None:
    docx, wanted = filled
    document = Document(io.BytesIO(docx))
    paragraph = next(p for p in document.paragraphs if p.text == wanted.paragraphs[1])
    if what == "missing":
        paragraph._p.getparent().remove(paragraph._p)
    elif what == "too many":
        document.add_paragraph("{d.problems[i+1].p}")
    else:
        document.element.body.append(paragraph._p)
    (problem,) = outputs.problems(saved(document), wanted)
    assert what in problem


def test_a_template_that_nobody_filled_is_all_wrong(template: bytes, filled: tuple[bytes, Any]) -> None:
    assert len(outputs.problems(template, filled[1])) > 200


def result(name: str, **values: Any) -> peers.Result:
    (engine,) = [engine for engine in engines.ENGINES if engine.name == name]
    return peers.Result(engine, **values)


def test_the_table_says_medians_ratios_and_what_went_wrong() -> None:
    timed = {"cold": [4.0, 5.0, 60.0], "warm": [0.5, 0.4, 0.3]}
    slow = {"cold": [150.0, 170.0, 160.0], "warm": [12.0, 12.0, 12.0]}
    idle = {"cold": [4.0, 5.0, 60.0], "warm": [0.1, 0.1, 0.1]}
    results = [
        result("nianbao", wall=timed, cpu=idle, versions={"nianbao": "0.1.0"}, checked=8, size=12_700),
        result("docxtpl", wall=slow, cpu=slow, versions={"docxtpl": "0.20.2"}, checked=8, wrong=["cold: x"]),
        result("Carbone", failure="node is not installed"),
        result("rust-docxtpl", wall=slow, cpu=slow, checked=8, empty=2),
    ]
    options = argparse.Namespace(rounds=3, reports=20, seconds=1, warmup=1)
    text = peers.document(results, options)
    assert (
        "| nianbao | 0.1.0 | 5.00 (4.00–60.0) | 1.00 | 0.400 (0.300–0.500) | 1.00 | 12.7 kB | 8 right |"
        in text
    )
    assert "| docxtpl | 0.20.2 | 160 (150–170) | 32.0 | 12.0 (12.0–12.0) | 30.0 |  | 1 wrong |" in text
    assert "| Carbone |  |  |  |  |  |  | did not run: node is not installed |" in text
    assert "docxtpl's own load-render-save takes 400 times as long as nianbao warm." in text
    assert "The fastest of the others, rust-docxtpl warm, takes 30.0 times as long as nianbao warm." in text
    assert "docxtpl differs from the data in 1 places, first in cold: x." in text
    assert "rust-docxtpl leaves 2 empty paragraphs." in text
    assert "nianbao, warm: 4.00 s passed for each second of work" in text


def test_an_engine_that_fails_is_noted_and_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run(engine: engines.Engine, *_: object) -> dict[str, Any]:
        calls.append(engine.name)
        raise engines.Unavailable("no such program")

    monkeypatch.setattr(peers, "run", run)
    case = peers.Case(tmp_path, outputs.Expected({}, ()))
    options = argparse.Namespace(rounds=2, reports=1, seconds=0, warmup=0)
    failed = result("Carbone")
    peers.compare([failed], {"probe": case, "report": case}, options)
    assert (failed.failure, calls) == ("no such program", ["Carbone"])


def test_a_missing_program_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engines, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(engines, "_failed", {})
    (engine,) = [engine for engine in engines.ENGINES if engine.name == "Carbone"]
    with pytest.raises(engines.Unavailable, match="npm is not installed"):
        engines.run(engine, {}, tmp_path / "job.json")


@pytest.mark.parametrize(
    ("complaint", "line"),
    [
        (
            "npm error code E404\nnpm error 404 Not Found\nnpm error A log is in a.log",
            "npm error 404 Not Found",
        ),
        ("Traceback\n  File\nValueError: no", "ValueError: no"),
        ("x.js:1\nTypeError: no\n    at f (x.js:1)\n\nNode.js v20", "TypeError: no"),
        ("", ""),
    ],
)
def test_the_reason_is_the_telling_line_of_a_complaint(complaint: str, line: str) -> None:
    assert engines._complaint(complaint) == line


def test_peers_are_pinned_and_have_scripts() -> None:
    package = json.loads((engines.SCRIPTS / "package.json").read_text(encoding="utf-8"))
    assert all(version.replace(".", "").isdigit() for version in package["dependencies"].values())
    pins = (engines.SCRIPTS / "rust-docxtpl.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in pins if not line.startswith("#"))
    for engine in engines.ENGINES:
        if engine.runtime == "node":
            assert (engines.SCRIPTS / f"{engine.script}.js").is_file()


def test_measuring_calls_as_often_as_asked() -> None:
    calls: list[int] = []
    timing = common.measure(lambda: calls.append(1), 3, seconds=0, warmup=0)
    assert (timing.count, len(calls)) == (3, 3)


def test_numbers_have_three_digits_and_tables_hold_bars() -> None:
    assert [common.number(value) for value in (0.4821, 1.5, 21.34, 178.4)] == ["0.482", "1.50", "21.3", "178"]
    assert str(common.spread([3, 1, 200])) == "3.00 (1.00–200)"
    assert common.markdown_table(("a", "b"), [("x|y", 1)]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
    with pytest.raises(ValueError, match="no measurements"):
        common.spread([])
    assert "cores" in common.machine()


def test_the_rules_are_timed_only_where_all_ways_find_the_same(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = rules.make_reports(pack, 60)
    text = rules.document(pack, reports, 1)
    assert "matrix: multiplied" in text
    found = rules.failures_one_by_one(pack, reports, False)
    assert sum(map(bool, found)) > 2
    assert f"60 reports, {sum(map(bool, found))} of them wrong" in text
    monkeypatch.setattr(rules, "failures_one_by_one", lambda *_: [[] for _ in reports])
    with pytest.raises(AssertionError):
        rules.document(pack, reports, 1)


def outcomes(right: int, wrong: int, seconds: float = 0.0005) -> list[suspects.Outcome]:
    made = [suspects.Outcome(seconds, 1, 1, 0, True, False, False)] * right
    return made + [suspects.Outcome(seconds, 2, 1, 1, False, False, False)] * wrong


@pytest.mark.parametrize(
    ("outcome", "missed"),
    [
        (outcomes(99, 1), []),
        (outcomes(98, 2), ["k = 1: first, where the rules can tell, ≥ 99 %"]),
        (outcomes(100, 0, 0.002), ["typical (median, k ≤ 3) ≤ 1 ms"]),
        (outcomes(100, 0, 0.06), ["typical (median, k ≤ 3) ≤ 1 ms", "worst ≤ 50 ms"]),
        # The truth is not among the suspects, though one cell was wrong and one is named.
        (
            [*outcomes(100, 0), suspects.Outcome(0.0001, 1, 1, None, False, False, False)],
            ["k = 1: covered 100 %"],
        ),
        # A group cannot be told; it does not count for what stands first.
        ([*outcomes(100, 0), *[suspects.Outcome(0.0001, 5, 1, 3, True, True, False)] * 9], []),
    ],
)
def test_the_verdict_on_suspects_says_what_was_missed(
    outcome: list[suspects.Outcome], missed: list[str]
) -> None:
    rows = [suspects.Series("small", "slips", 1, outcome)]
    rows += [suspects.Series("small", "slips", k, outcomes(100, 0)) for k in (2, 3)]
    text = suspects.verdict(rows, [suspects.Agreement("small", 1000, 999)])
    lines = [line.split(" | ") for line in text.splitlines()]
    assert [line[0].removeprefix("| ") for line in lines if line[-1].startswith("MISSED")] == missed
    assert "MISSED" in suspects.verdict(rows, [suspects.Agreement("small", 1000, 998)])


def test_sums_that_are_wrong_are_seen_by_the_benchmark_of_rolling_up(pack: Pack, tmp_path: Path) -> None:
    source, roster, sums = rollup.make_input(pack, tmp_path, "jsonl", 20)
    *_, status = rollup.measured(source, roster, tmp_path)
    assert rollup.problem(tmp_path, sums, status) == ""
    sums["requests.new.total"] += 1
    assert rollup.problem(tmp_path, sums, status) == "1 sums wrong"
    assert rollup.problem(tmp_path, sums, 1) == "exit 1, 1 reports"
