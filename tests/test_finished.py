"""Finished reports read back: what was built gives the same data, whatever offices do to the document."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import docx
import mammoth
import pytest
from docx.oxml.ns import qn
from docx.shared import Pt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import consistent_report
from documents import checked, figures_of, page_html, printed, read_one, read_page, rules_of, stream_file
from nianbao.layout import Cell
from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from nianbao.report import exchanged


def built(data: dict[str, Any], pack: Pack, path: Path) -> Path:
    path.write_bytes(render(report_from_data(data, pack), pack))
    return path


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("index", range(5))
def test_an_example_built_as_a_word_file_reads_to_the_same_data(
    index: int, examples: list[dict[str, Any]], pack: Pack, tmp_path: Path
) -> None:
    report = read_one(built(examples[index], pack, tmp_path / "报告.docx"), pack)
    assert exchanged(report.data) == printed(examples[index], pack)
    assert report.findings == ()
    assert report.finished


@pytest.mark.parametrize("index", range(5))
def test_an_example_as_a_web_page_reads_to_the_same_data(
    index: int, examples: list[dict[str, Any]], pack: Pack, tmp_path: Path
) -> None:
    with built(examples[index], pack, tmp_path / "报告.docx").open("rb") as stream:
        page = f"<html><body>{mammoth.convert_to_html(stream).value}</body></html>"
    report = read_page(tmp_path, page, pack)
    want = printed(examples[index], pack)
    # A page does not keep what stands at the right, which is how a name alone is known as a signature.
    found = exchanged(report.data)
    if "signature" in want and want["signature"].get("name") != want["agency"]:
        found["other_matters"], _, name = found["other_matters"].rpartition("\n")
        found["signature"] = {**found.get("signature", {}), "name": name}
    assert found == want
    assert report.findings == ()


LINE = st.text(
    st.characters(categories=("L", "N", "P"), max_codepoint=0xFFEF, exclude_characters="⼾"),
    min_size=4,
    max_size=60,
).filter(
    lambda text: (
        "注" not in text and not any("\u2e80" <= c <= "\u2fdf" or "\uf900" <= c <= "\ufaff" for c in text)
    )
)
TEXT = st.lists(LINE.map(lambda line: f"我局{line}。"), min_size=1, max_size=3).map("\n".join)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10**6),
    largest=st.sampled_from([3, 40, 10**9]),
    texts=st.lists(TEXT, min_size=8, max_size=8),
)
def test_any_report_built_as_a_word_file_reads_to_the_same_data(
    seed: int, largest: int, texts: list[str], pack: Pack, tmp_path: Path
) -> None:
    data = consistent_report(pack, seed, largest)
    data["introduction"], data["problems"], data["other_matters"] = texts[:3]
    for topic, text in zip(data["overview"].values(), texts[3:], strict=True):
        topic["text"] = text
    report = read_one(built(data, pack, tmp_path / "报告.docx"), pack)
    assert exchanged(report.data) == printed(data, pack)
    assert report.findings == ()


def test_notes_and_signature_survive_the_way_through_a_word_file(pack: Pack, tmp_path: Path) -> None:
    data = consistent_report(pack, 7)
    data["notes"] = {
        "requests.new.total": "其中网上申请20件",
        "requests": "含上年度受理、本年度办结的申请。",
        "disputes": "行政复议、行政诉讼数量含上年度结转数量",
    }
    data["signature"] = {"name": "测试区某局办公室", "date": "2024年1月12日"}
    report = read_one(built(data, pack, tmp_path / "报告.docx"), pack)
    assert exchanged(report.data) == printed(data, pack)


def test_every_figure_of_a_word_file_carries_its_table_row_and_column(pack: Pack, tmp_path: Path) -> None:
    path = built(consistent_report(pack, 1), pack, tmp_path / "报告.docx")
    report = read_one(path, pack)
    where = report.where("requests.results.not_processed.repeated.natural_person")
    assert (where.file, where.table, where.row, where.column) == (str(path), 2, 20, 4)
    assert report.where("problems").line
    missing = [p for p in pack.fields.required_numbers if p not in report.origins]
    assert missing == []


# ---------------------------------------------------------------- what offices do to labels and cells


@pytest.fixture(scope="module")
def data(pack: Pack) -> dict[str, Any]:
    return consistent_report(pack, 42)


def relabelled(**labels: str) -> Any:
    def change(cell: Cell, text: str) -> str:
        return labels.get(cell.text, text) if cell.is_label else text

    return change


COMMA = "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请"
FORGIVEN_SILENTLY = [
    {"1.属于国家秘密": "1. 属于国家秘密"},
    {"2.重复申请": "2、重复申请"},
    {"（一）予以公开": "(一) 予以公开"},
    {"第二十条第（一）项": "第二十条 第（一）项"},
    {"三、本年度办理结果": "三、<br>本<br>年度<br>办理<br>结果"},
    {"（一）予以公开": "<span>（</span><span>一</span><span>）</span><span>予以公开</span>"},
    {"行政许可": "⾏政许可", "行政强制": "⾏政强制"},
    {"自然人": "⾃然⼈"},
    {COMMA: COMMA.replace("、", "，")},
    {"结果维持": "结果<p>维持</p>"},
]  # fmt: skip


@pytest.mark.parametrize("labels", FORGIVEN_SILENTLY, ids=lambda labels: next(iter(labels.values()))[:18])
def test_spaces_brackets_numerals_and_radicals_are_no_difference_in_wording(
    labels: dict[str, str], data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_page(tmp_path, page_html(data, pack, relabelled(**labels)), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == []


WORDED_OTHERWISE = [
    ("行政规范性文件", "规范性文件"),
    ("本年废止件数", "本年度止件数"),
    ("2.其他法律行政法规禁止公开", "2.其他法律行政止公开"),
    ("2.其他法律行政法规禁止公开", "2.其他法律法规禁止公开"),
    ("本年收费金额（单位：万元）", "本年收费金额（单位：万元，保留4位小数）"),
    ("社会公益组织", "公益组织"),
    ("行政事业性收费", "行政事业收费"),
    ("7.属于行政执法案卷", "属于行政执法案卷"),
    ("复议后起诉", "复议后起讼"),
]


@pytest.mark.parametrize(("label", "printed_label"), WORDED_OTHERWISE)
def test_a_label_in_other_words_is_read_and_named(
    label: str, printed_label: str, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_page(tmp_path, page_html(data, pack, relabelled(**{label: printed_label})), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("LABEL", "warning")
    assert printed_label in finding.message
    assert label in finding.message
    assert finding.where.table
    assert finding.where.row


@pytest.mark.parametrize(
    "label", ["7.属于行政执法案卷", "3.其他", "（七）总计", "行政许可", "科研机构", "总计"]
)
@pytest.mark.parametrize("instead", ["", "甲乙丙丁"])
def test_a_missing_label_is_known_by_its_neighbours_and_named(
    label: str, instead: str, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    def change(cell: Cell, text: str) -> str:
        # Of the two totals that stand over columns, only that of table three.
        here = cell.text == label and (label != "总计" or (cell.column, cell.rows) == (9, 2))
        return instead if here else text

    report = read_page(tmp_path, page_html(data, pack, change), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("LABEL", "warning")
    assert label in finding.message


def test_columns_called_data_1_to_6_are_the_applicants(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    names = ("自然人", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他")
    labels = {name: f"数据{i}" for i, name in enumerate(names, 1)}
    report = read_page(tmp_path, page_html(data, pack, relabelled(**labels)), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == ["LABEL"] * 6


CELLS = [
    ("22（其中修订16件）", 22, "其中修订16件", []),
    ("22(其中修订16件)", 22, "其中修订16件", []),
    ("+1036", 1036, None, []),
    ("１２", 12, None, []),
    ("1,234", 1234, None, []),
    ("12件", 12, None, []),
    ("<p>22</p><p>（其中修订16件）</p>", 22, "其中修订16件", []),
    ("<table><tr><td>17</td></tr></table>", 17, None, []),
    ("", None, None, ["BLANK"]),
    ("/", None, None, ["VALUE"]),
    ("12①", None, None, ["VALUE"]),
    ("-3", None, None, ["VALUE"]),
    ("<p>12</p><p>34</p>", None, None, ["VALUE"]),
    ("无", None, None, ["VALUE"]),
]


@pytest.mark.parametrize(("text", "value", "note", "rules"), CELLS, ids=[c[0] or "blank" for c in CELLS])
def test_what_stands_in_a_cell_is_read_as_it_is_meant(
    text: str,
    value: int | None,
    note: str | None,
    rules: list[str],
    data: dict[str, Any],
    pack: Pack,
    tmp_path: Path,
) -> None:
    path = "disclosure.normative_documents.issued"

    def change(cell: Cell, printed_text: str) -> str:
        return text if path in cell.fields else printed_text

    report = read_page(tmp_path, page_html(data, pack, change), pack)
    assert report.value(path) == value
    assert report.value(f"notes[{path}]") == note
    assert rules_of(report) == rules


@pytest.mark.parametrize(
    ("text", "amount", "rules"),
    [
        ("25.1", "25.1", []),
        ("25.1万元", "25.1", []),
        ("251000元", "25.1", ["UNIT"]),
        ("0.5亿元", "5000", ["UNIT"]),
    ],
)
def test_an_amount_in_another_unit_is_converted_and_named(
    text: str, amount: str, rules: list[str], data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = "disclosure.administrative_fees.amount"
    report = read_page(tmp_path, page_html(data, pack, lambda c, t: text if path in c.fields else t), pack)
    assert report.value(path) == Decimal(amount)
    assert rules_of(report) == rules


def test_a_figure_that_breaks_a_rule_is_kept_as_printed(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = "requests.results.total.total"
    wrong = report_from_data(data, pack).value(path)
    assert isinstance(wrong, int)
    report = read_page(
        tmp_path, page_html(data, pack, lambda c, t: str(wrong + 1) if path in c.fields else t), pack
    )
    assert report.value(path) == wrong + 1
    assert {f.rule for f in checked(report, pack).findings} >= {"T3-BALANCE"}


def test_a_blank_total_of_a_finished_report_is_not_derived(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    def change(cell: Cell, text: str) -> str:
        return "" if any(f.startswith("requests.") and f.endswith(".total") for f in cell.fields) else text

    report = read_page(tmp_path, page_html(data, pack, change), pack)
    assert report.value("requests.new.total") is None
    (finding,) = report.findings
    assert finding.rule == "BLANK"
    assert "总计1列25格为空" in finding.message


# ---------------------------------------------------------------- tables


def test_the_single_row_of_the_2019_form_is_read_and_must_be_split(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    grid = pack.layout.grids[1]
    page = page_html(data, pack)
    rows = page.split("<tr>")
    start = next(i for i, row in enumerate(rows) if "（六）其他处理" in row)
    assert grid.rows == 28
    row = rows[start].replace(' rowspan="3"', ' colspan="2"')
    cells = row.split("<td")
    first = next(i for i, cell in enumerate(cells) if "1.申请人" in cell)
    del cells[first]
    changed = [*rows[:start], "<td".join(cells), *rows[start + 3 :]]
    report = read_page(tmp_path, "<tr>".join(changed).replace('rowspan="22"', 'rowspan="20"'), pack)
    errors = [f for f in report.findings if f.severity == "error"]
    assert [f.rule for f in errors] == ["OTHER-EDITION"]
    assert "三行" in errors[0].message
    other = report.data["requests"]["results"]["other"]
    assert other["miscellaneous"] == data["requests"]["results"]["other"]["correction_overdue"]
    assert set(other["correction_overdue"].values()) == {None}
    assert set(other["fee_overdue"].values()) == {None}


def split_table(page: str, label: str, repeat: int = 0) -> str:
    """Return a page whose table is cut before the row with a label; the first rows may be repeated."""
    at = page.rindex("<tr>", 0, page.index(label))
    head = page[page.rindex("<table", 0, at) :]
    rows = head[head.index("<tr>") :].split("</tr>")[:repeat]
    again = "".join(f"{row}</tr>" for row in rows)
    return f"{page[:at]}</table><p>续表</p><table border=1>{again}{page[at:]}"


@pytest.mark.parametrize(
    "label", ["1.信访举报投诉类申请", "二、上年结转", "（七）总计", "3.补正后申请内容仍不明确"]
)
@pytest.mark.parametrize("repeat", [0, 3])
def test_a_table_in_two_parts_is_one_table(
    label: str, repeat: int, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page = split_table(page_html(data, pack), label, repeat)
    report = read_page(tmp_path, page, pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == []


def test_a_report_laid_out_in_a_table_is_read(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    page = page_html(data, pack)
    framed = page.replace("<body>", "<body><table><tr><td>导航</td><td>").replace(
        "</body>", "</td></tr></table></body>"
    )
    report = read_page(tmp_path, framed, pack)
    assert exchanged(report.data) == printed(data, pack)


def test_a_second_table_with_other_figures_is_named(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    other = consistent_report(pack, 43)
    second = page_html(other, pack)
    start = second.index("<table", second.index("三、收到和处理"))
    table = second[start : second.index("</table>", start) + 8]
    report = read_page(tmp_path, page_html(data, pack, note2=f"<p>其中本级机关：</p>{table}"), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert "SECOND-TABLE" in rules_of(report)


def test_a_figure_without_a_field_is_an_error_with_its_place(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page = page_html(data, pack)
    at = page.index("<tr>", page.index("（七）总计"))
    extra = "<tr><td colspan=3>另行统计</td>" + "<td>8</td>" * 7 + "</tr>"
    report = read_page(tmp_path, page[:at] + extra + page[at:], pack)
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("UNALIGNED", "error")
    assert "“8”" in finding.message
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)


def test_a_table_that_is_not_there_is_an_error_and_no_zeros(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_page(tmp_path, page_html(data, pack, table3="<p>（略）</p>"), pack)
    (finding,) = report.findings
    assert (finding.rule, finding.field) == ("NOT-FOUND", "disputes.reconsideration.upheld")
    assert set(report.data["disputes"]["reconsideration"].values()) == {None}


def test_a_list_of_an_offices_own_is_not_taken_for_a_statutory_table(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    own = "<table><tr><td>事项</td><td>件数</td></tr><tr><td>行政许可</td><td>99999</td></tr></table>"
    report = read_page(tmp_path, page_html(data, pack).replace("<p><b>二、", f"{own}<p><b>二、"), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == []


# ---------------------------------------------------------------- around the tables


@pytest.mark.parametrize(
    "heading",
    [
        "五、存在问题及改进情况",
        "五、存在的主要问题及整改措施",
        "五、政府信息公开工作存在的主要问题及改进情况",
        "一、存在的主要问题及改进情况",
    ],
)
def test_a_heading_in_other_words_or_with_another_number_is_found(
    heading: str, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_page(tmp_path, page_html(data, pack, **{"五、存在的主要问题及改进情况": heading}), pack)
    assert report.value("problems") == data["problems"]
    assert rules_of(report) == ([] if heading.startswith("一") else ["LABEL"])


def test_a_heading_in_words_of_its_own_comes_before_its_first_subheading(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    own = {"五、存在的主要问题及改进情况": "五、存在问题和下步打算"}
    text = "一、存在的主要问题\n公开的内容还不够及时。\n二、改进的情况\n加强培训，落实公开责任。"
    report = read_page(tmp_path, page_html({**data, "problems": text}, pack, **own), pack)
    assert report.value("problems") == text
    assert rules_of(report) == ["LABEL"]


def test_what_a_site_prints_around_a_report_is_not_the_report(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    before = (
        "<div>首页 &gt; 政府信息公开</div><table><tr><td>索引号</td><td>K123/2024-1</td><td>发布日期</td>"
        "<td>2024-01-20</td></tr></table><p>来源：办公室 浏览次数：128</p>"
    )
    after = "<div><div>扫一扫在手机打开</div><div>版权所有 某市人民政府 京ICP备1号</div></div>"
    report = read_page(tmp_path, page_html(data, pack, before=before, after=after), pack)
    assert exchanged(report.data) == printed(data, pack)


def test_a_remark_below_a_table_is_its_note(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    note = "<p>注：行政复议、行政诉讼数量含上年度结转数量</p>"
    report = read_page(tmp_path, page_html(data, pack, note3=note), pack)
    assert report.value("notes.disputes") == "行政复议、行政诉讼数量含上年度结转数量"


def test_a_topic_whose_heading_runs_on_into_its_text_is_found(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page = page_html(data, pack)
    text = data["overview"]["proactive"]["text"]
    page = page.replace(f"<p>　　（一）主动公开</p>\n<p>　　{text}</p>", f"<p>(一) 主动公开情况：{text}</p>")
    report = read_page(tmp_path, page, pack)
    assert report.data["overview"]["proactive"] == {"heading": "(一) 主动公开情况", "text": text}


TITLES = [
    ("某市发展改革委2023年政府信息公开年度报告", "某市发展改革委", 2023),
    ("2023年某市发展改革委政府信息公开工作年度报告", "某市发展改革委", 2023),
    ("某市发展改革委二〇二三年政府信息公开工作年度报告", "某市发展改革委", 2023),
    ("某市发展改革委</h1><h1>2023 年度政府信息公开工作年度报告", "某市发展改革委", 2023),
]


@pytest.mark.parametrize(("title", "agency", "year"), TITLES)
def test_agency_and_year_come_from_the_title_however_it_is_put(
    title: str, agency: str, year: int, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page = page_html(data, pack)
    start, end = page.index("<h1>") + 4, page.index("</h1>")
    report = read_page(tmp_path, page[:start] + title + page[end:], pack)
    assert (report.agency, report.year) == (agency, year)


def test_a_page_without_a_title_takes_agency_and_year_from_its_name_and_says_so(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page = page_html(data, pack)
    page = page[: page.index("<h1>")] + page[page.index("</h1>") + 5 :]
    report = read_page(tmp_path, page, pack, "某局2022年政府信息公开工作年度报告.html")
    assert (report.agency, report.year) == ("某局", 2022)
    assert rules_of(report) == ["TITLE"]


def test_a_page_that_a_browser_saved_as_one_file_is_read(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    message = MIMEMultipart("related")
    message.attach(MIMEText(page_html(data, pack), "html", "gb18030"))
    message.attach(MIMEText("body {}", "css"))
    path = tmp_path / "报告.mhtml"
    path.write_bytes(b"From: <Saved by Blink>\n" + message.as_bytes())
    assert exchanged(read_one(path, pack).data) == printed(data, pack)


def test_a_page_about_something_else_is_not_a_report(pack: Pack, tmp_path: Path) -> None:
    from nianbao.errors import InputError

    with pytest.raises(InputError, match="没有找到"):
        read_page(tmp_path, "<html><body><p>行政许可事项清单</p></body></html>", pack)


# ---------------------------------------------------------------- Word files of other hands


def test_word_files_as_offices_make_them_are_read(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    """Runs split in the middle of words, and a table cut in two without its head."""
    path = built(data, pack, tmp_path / "报告.docx")
    document = docx.Document(str(path))
    for paragraph in document.paragraphs:
        if paragraph.text.startswith("四、政府信息公开"):
            paragraph.runs[0].text = "四、政府信息公开行"
            paragraph.add_run("政复议、行政诉讼").font.size = Pt(16)
            paragraph.add_run("情况")
    table = document.tables[1]._tbl
    rest = copy.deepcopy(table)
    for row in table.findall(qn("w:tr"))[19:]:
        table.remove(row)
    for row in rest.findall(qn("w:tr"))[:19]:
        rest.remove(row)
    between = docx.oxml.OxmlElement("w:p")
    table.addnext(between)
    between.addnext(rest)
    document.save(str(path))
    report = read_one(path, pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == []


def test_a_table_of_contents_is_not_taken_for_the_sections(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = built(data, pack, tmp_path / "报告.docx")
    document = docx.Document(str(path))
    first = document.paragraphs[0]
    for heading in ("一、总体情况", "二、主动公开政府信息情况", "五、存在的主要问题及改进情况"):
        first.insert_paragraph_before(heading)
    document.save(str(path))
    report = read_one(path, pack)
    assert exchanged(report.data) == printed(data, pack)


def test_a_finished_report_can_be_read_again_without_filling_its_blanks(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    from nianbao.pipeline import read

    report = read_page(
        tmp_path, page_html(data, pack, lambda c, t: "" if "requests.new.total" in c.fields else t), pack
    )
    (again,) = read(report, pack)
    assert again.value("requests.new.total") is None
    assert [f.rule for f in again.findings] == ["BLANK"]


def test_text_from_a_pdf_without_tables_marks_its_figures(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_one(stream_file(data, pack, tmp_path), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert rules_of(report) == ["STREAM"] * 3
    assert report.where("requests.new.total").line


def test_a_line_with_too_few_figures_is_an_error_and_not_shifted(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = stream_file(
        data, pack, tmp_path, lambda c, t: "" if "requests.carried_in.business" in c.fields else t
    )
    report = read_one(path, pack)
    assert set(report.data["requests"]["carried_in"].values()) == {None}
    errors = [f for f in report.findings if f.severity == "error" and f.rule != "BLANK"]
    assert [(f.rule, f.field) for f in errors] == [("UNALIGNED", "requests.carried_in")]


def test_the_single_row_of_the_2019_form_in_a_text_must_be_split(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = stream_file(data, pack, tmp_path)
    lines = path.read_text(encoding="utf-8").split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("（六）其他处理"))
    figures = lines[at].split(" ")[2:]
    lines[at : at + 3] = [f"（六）其他处理 {' '.join(figures)}"]
    path.write_text("\n".join(lines), encoding="utf-8")
    report = read_one(path, pack)
    assert [f.rule for f in report.findings if f.severity == "error" and f.field != "problems"] == [
        "OTHER-EDITION"
    ]
    other = report.data["requests"]["results"]["other"]
    assert list(other["miscellaneous"].values()) == [int(figure) for figure in figures]


def test_markdown_tables_are_read(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    figures = figures_of(exchanged(report_from_data(data, pack).data), pack)
    lines = [f"# {data['agency']}{data['year']}年政府信息公开工作年度报告", ""]
    for block in pack.layout.blocks:
        if type(block).__name__ == "Heading":
            lines += [f"## {block.text}", ""]
        elif type(block).__name__ == "Grid":
            width = len(block.widths)
            for row in range(block.rows):
                texts = [""] * width
                for cell in block.cells:
                    if cell.row == row:
                        texts[cell.column] = str(figures[cell.fields[0]]) if cell.fields else cell.text
                lines.append(f"| {' | '.join(texts)} |")
                if row == 0:
                    lines.append("|---" * width + "|")
            lines.append("")
    path = tmp_path / "报告.md"
    path.write_text("\n".join([*lines, data["other_matters"]]), encoding="utf-8")
    report = read_one(path, pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(data, pack)
    assert json.loads(json.dumps(exchanged(report.data)))["other_matters"] == data["other_matters"]
