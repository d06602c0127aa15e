"""Real reports: five as text, one PDF, one web page, read to exactly their figures and to their whole texts.

Their sentences are not copied into the project: texts are compared with the originals where they are at hand.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from conftest import ROOT
from documents import figures_of, read_one
from nianbao.pack import Pack
from nianbao.readers.documents.document import cleaned
from nianbao.report import Report, exchanged, leaves

SHARED = ROOT.parent / "shared"
SEEDS: dict[str, Any] = json.loads((ROOT / "tests" / "finished" / "seeds.json").read_text(encoding="utf-8"))
REAL = {"huaian_2024.pdf": "huaian_2024.json", "shuyang_fagai_2023.html": "shuyang_fagai_2023.json"}


def original(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference material missing: {path.name}")
    return path


@pytest.mark.parametrize("name", SEEDS)
def test_a_real_report_as_text_reads_to_its_figures(name: str, pack: Pack) -> None:
    report = read_one(original("seeds", name), pack)
    expected = dict.fromkeys(pack.fields.required_numbers, 0) | SEEDS[name]["figures"]
    found = figures_of(exchanged(report.data), pack)
    found = {path: value if value != "0" else 0 for path, value in found.items()}
    assert found == expected
    assert (report.agency, report.year) == (SEEDS[name]["agency"], SEEDS[name]["year"])


@pytest.mark.parametrize("name", SEEDS)
def test_figures_of_a_real_text_are_marked_and_its_labels_named(name: str, pack: Pack) -> None:
    report = read_one(original("seeds", name), pack)
    assert [f.rule for f in report.findings].count("STREAM") == 3
    assert {f.severity for f in report.findings} == {"warning"}
    labels = [f.message for f in report.findings if f.rule == "LABEL"]
    assert len(labels) == len(SEEDS[name].get("labels", ()))
    for message, label in zip(labels, SEEDS[name].get("labels", ()), strict=True):
        assert f"“{label}”" in message


@pytest.mark.parametrize("name", REAL)
def test_a_real_document_reads_to_its_figures(name: str, pack: Pack) -> None:
    report = read_one(original("reference", "real", name), pack)
    expected = json.loads(original("reference", "real", REAL[name]).read_text(encoding="utf-8"))["data"]
    assert figures_of(exchanged(report.data), pack) == figures_of(expected, pack)
    assert (report.agency, report.year) == (expected["agency"], expected["year"])


def letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", cleaned(text)) if c.isalnum())


def whole_text(path: Path) -> str:
    """Return the letters of a document by another way than the reader's."""
    if path.suffix == ".txt":
        return letters(path.read_text(encoding="utf-8"))
    if path.suffix == ".html":
        return letters(html.fromstring(path.read_bytes()).text_content())
    import pypdfium2

    pdf = pypdfium2.PdfDocument(str(path))
    lines = [line for page in pdf for line in page.get_textpage().get_text_range().splitlines()]
    return letters("".join(line for line in lines if not re.fullmatch(r"\s*-\s*\d+\s*-\s*", line)))


def section_texts(report: Report) -> dict[str, str]:
    """Return the letters of each section that holds texts, headings of topics with them."""
    data = report.data
    parts = [
        str(v) for _, v in leaves({"p": data["overview"].get("preamble"), **_topics(data["overview"])}) if v
    ]
    return {
        "总体情况": letters("".join(parts)),
        "改进": letters(str(data["problems"])),
        "事项": letters(str(data["other_matters"])),
    }


def _topics(overview: Any) -> dict[str, Any]:
    return {k: [v.get("heading"), v.get("text")] for k, v in overview.items() if isinstance(v, dict)}


HEADINGS = (
    r"一总体情况",
    r"二(?:行政机关)?主动公开政府信息情况",
    r"五存在的主要问题及(?:改进情况|整改措施)",
    r"六其他需要报告的事项",
)


@pytest.mark.parametrize("name", [*SEEDS, *REAL])
def test_the_texts_of_a_real_report_are_read_whole(name: str, pack: Pack) -> None:
    folder = ("seeds",) if name in SEEDS else ("reference", "real")
    path = original(*folder, name)
    report, whole = read_one(path, pack), whole_text(path)
    title = re.search(rf"{report.agency}{report.year}年政府信息公开(?:工作)?年度报告", whole)
    assert title
    places = [list(re.finditer(pattern, whole))[-1] for pattern in HEADINGS]
    overview = whole[places[0].end() : places[1].start()]
    found = section_texts(report)
    # Two reports print their title or a topic's customary heading inside; neither is part of the text.
    for word in (
        title.group(),
        *("一主动公开", "二依申请公开", "三政府信息管理", "四政府信息公开平台建设", "五监督保障"),
    ):
        if word not in found["总体情况"]:
            overview = overview.replace(word, "", 1)
    assert found["总体情况"] == overview
    assert found["改进"] == whole[places[2].end() : places[3].start()]
    assert found["事项"] == whole[places[3].end() :]


def test_a_real_page_keeps_its_blank_columns_blank(pack: Pack) -> None:
    report = read_one(original("reference", "real", "shuyang_fagai_2023.html"), pack)
    blanks = [f for f in report.findings if f.rule == "BLANK"]
    assert len(blanks) == 1
    assert "5列125格为空" in blanks[0].message
    assert [f.rule for f in report.findings if f.rule == "LABEL"] == ["LABEL", "LABEL"]


def test_the_tables_of_a_real_pdf_are_whole_over_its_pages(pack: Pack) -> None:
    report = read_one(original("reference", "real", "huaian_2024.pdf"), pack)
    assert report.findings == ()
    where = report.where("requests.results.unavailable.needs_creation.natural_person")
    assert where.page == 5
    assert where.box is not None
    assert report.data["problems"].count("\n") == 1
