"""The page of a comparison and the chart page: whole HTML, everything escaped, nothing from elsewhere."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from commands import run
from conftest import consistent_report
from nianbao.comparison.comparing import compare
from nianbao.errors import PackError
from nianbao.outputs.comparison import html as pages
from nianbao.outputs.comparison.folder import write_folder
from nianbao.outputs.comparison.html import charts_html, comparison_html
from nianbao.outputs.comparison.series import ChartData, Series, chart_data, reports_by_year
from nianbao.outputs.comparison.svg import PALETTE, stacked_columns
from nianbao.pack import Pack, load_pack
from nianbao.packnew import new_pack
from nianbao.report import Report

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'{{ 7*7 }}{% x %}\ufffe\ud800"
SVG = "{http://www.w3.org/2000/svg}"


def page_of(text: str) -> Any:
    """Return the parsed page after looking for what no page of ours may have."""
    assert text.startswith("<!DOCTYPE html>")
    page = html.fromstring(text.encode())
    assert page.xpath("//script | //link | //img | //iframe | //object | //form | //base") == []
    assert page.xpath("//@*[starts-with(name(), 'on') or name() = 'src']") == []
    assert all(target.startswith("#") for target in page.xpath("//@href"))
    assert not re.search(r"url\(|@import|https?://", page.findtext(".//style"))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for target in page.xpath("//@href"):
        assert target[1:] in ids
    return page


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def year_apart(pack: Pack, seed: int = 3, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data of two years of one agency."""
    old = consistent_report(pack, seed)
    new = copy.deepcopy(old) | more
    new["year"] = 2024
    new["requests"]["new"]["natural_person"] = old["requests"]["new"]["natural_person"] + 5
    new["disclosure"]["administrative_fees"]["amount"] = "163.8908"
    new["problems"] = new["problems"].replace("及时", "主动")
    new["overview"]["additional"] = [{"heading": "（六）宣传", "text": "办了三次活动。"}]
    return old, new


def test_the_page_shows_the_statutory_tables_side_by_side(pack: Pack) -> None:
    old, new = year_apart(pack)
    page = page_of(comparison_html(compare(old, new, pack), pack, ("去年.xlsx", "今年.xlsx")))
    before, after = page.xpath("//table[contains(@class, 'form')][descendant::th[contains(., '自然人')]]")
    for table, side in ((before, "before"), (after, "after")):
        assert side in table.get("class")
        # Merged cells: every row of the grid is filled exactly.
        width = len(table.xpath("./colgroup/col"))
        spans = [int(c.get("rowspan", 1)) * int(c.get("colspan", 1)) for c in table.xpath(".//th | .//td")]
        assert sum(spans) == width * len(table.xpath(".//tr"))
    (old_cell,) = before.xpath(".//td[@class='changed']")
    (new_cell,) = after.xpath(".//td[@class='changed']")
    figure = old["requests"]["new"]["natural_person"]
    assert words(old_cell) == str(figure)
    assert [words(new_cell.find(f".//{tag}")) for tag in ("del", "ins", "small")] == [
        str(figure),
        str(figure + 5),
        "+5",
    ]


def test_the_page_marks_texts_and_lists_figures(pack: Pack) -> None:
    old, new = year_apart(pack)
    page = page_of(comparison_html(compare(old, new, pack), pack))
    rows = [[words(cell) for cell in row] for row in page.xpath("//table[@class='list figures']//tr")]
    fee = Decimal(old["disclosure"]["administrative_fees"]["amount"])
    assert rows[1][0] == "表二·行政事业性收费·本年收费金额"
    assert rows[1][2:4] == ["163.8908", f"{Decimal('163.8908') - fee:+f}"]
    changed = [(words(d), words(d.getnext())) for d in page.xpath("//div[@class='passage']/del")]
    assert ("及时", "主动") in changed
    assert "办了三次活动。" in [words(i) for i in page.xpath("//ins")]
    assert "两份报告有不同：数字2处，文字2处，增减1处。" in words(page.find(".//p[@class='verdict']"))


def test_every_change_is_on_the_page(pack: Pack) -> None:
    old, new = year_apart(pack, other_matters="没有其他事项。", title="年报", notes={"requests": "含上年。"})
    new["notes"]["requests.new.total"] = "其中网上3件"
    new["signature"] = {"name": "某局", "date": "2024年1月20日"}
    comparison = compare(old, new, pack)
    text = words(page_of(comparison_html(comparison, pack)))
    for change in comparison.pairs[0].texts:
        for sentence in change.sentences:
            assert sentence.same or all(" ".join(p.text.split()) in text for p in sentence.pieces)


def test_equal_reports_make_a_short_page_that_says_so(pack: Pack) -> None:
    data = consistent_report(pack, 1)
    page = page_of(comparison_html(compare(data, data, pack), pack))
    assert words(page.find(".//p[@class='verdict same']")) == "没有不同。"
    assert page.xpath("//del | //ins | //table") == []


def test_hostile_texts_stay_texts(pack: Pack) -> None:
    old, new = year_apart(pack)
    old["agency"] = new["agency"] = f"甲&乙<b>局{HOSTILE[:60]}"
    new["problems"] += HOSTILE[:-2]
    new["overview"]["additional"][0]["heading"] = HOSTILE[:-2]
    new["requests"]["new"]["business"] = HOSTILE
    comparison = compare([old, {**old, "agency": HOSTILE[:40]}], [new], pack)
    page = page_of(comparison_html(comparison, pack, (HOSTILE, HOSTILE), [(HOSTILE, HOSTILE)]))
    assert "<script>alert(1)</script>" in words(page)
    assert "甲&乙<b>局" in words(page)
    assert "〈U+D800〉" in words(page)
    page_of(charts_html([Report({**old, "agency": HOSTILE[:-1]})], pack, [(HOSTILE, HOSTILE)]))


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=40)


@settings(max_examples=20, deadline=None)
@given(PRINTABLE, PRINTABLE)
def test_any_text_comes_out_as_it_went_in(before: str, after: str) -> None:
    pack = load_pack()
    a, b = (Report({"agency": "甲局", "year": 2023, "problems": text}) for text in (before, after))
    comparison = compare(a, b, pack)
    text = words(page_of(comparison_html(comparison, pack)))
    for change in comparison.pairs[0].texts:
        pieces = [piece for sentence in change.sentences for piece in sentence.pieces]
        assert all(" ".join(piece.text.split()) in text for piece in pieces)


def sets(pack: Pack, count: int) -> tuple[list[Report], list[Report]]:
    old, new = year_apart(pack)
    return tuple([Report({**data, "agency": f"第{i}局"}) for i in range(count)] for data in (old, new))  # type: ignore[return-value]


def test_sets_have_an_index_and_a_section_for_each_agency_that_differs(pack: Pack) -> None:
    old, new = sets(pack, 3)
    new[1] = old[1]
    extra = Report({"agency": "新设局", "year": 2024})
    page = page_of(comparison_html(compare(old, [*new, extra], pack), pack))
    assert [words(a) for a in page.xpath("//table[@class='list']//a")] == ["第0局", "第2局"]
    assert len(page.xpath("//section/details")) == 2
    assert "只在“后”中有（1份）" in words(page)
    assert "没有不同的单位（1个）" in words(page)


def test_a_large_set_keeps_to_what_differs_and_says_what_it_leaves_out(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = sets(pack, 60)
    page = page_of(comparison_html(compare(old, new, pack), pack))
    assert len(page.xpath("//section")) == 60
    assert page.xpath("//table[contains(@class, 'form')]") == []
    assert all("公开内容还不够及时" in words(section) for section in page.xpath("//section"))
    monkeypatch.setattr(pages, "LARGEST", 40_000)
    text = comparison_html(compare(old, new, pack), pack)
    page = page_of(text)
    shown = len(page.xpath("//section"))
    assert 0 < shown < 60
    assert f"{60 - shown}个单位的明细没有列出" in words(page)
    assert words(page).count("明细从略") == 60 - shown + 1
    assert len(page.xpath("//table[@class='list']//tbody/tr")) == 60


def test_a_folder_holds_an_index_and_a_whole_page_for_each_agency(pack: Pack, tmp_path: Path) -> None:
    old, new = sets(pack, 3)
    names = ["甲局", "甲局", "a#b?c%/乙局<b>"]
    old, new = ([Report({**r.data, "agency": n}) for r, n in zip(s, names, strict=True)] for s in (old, new))
    comparison = compare(
        [*old, Report({"agency": "index"})], [*new, Report({"agency": "index", "year": 2024})], pack
    )
    assert write_folder(comparison, pack, tmp_path / "比较", ("去年", "今年")) == 4
    index = html.parse(str(tmp_path / "比较" / "index.html"))
    links = index.xpath("//table//a/@href")
    assert len(links) == len(set(links)) == 4
    for link, agency in zip(links, [*names, "index"], strict=True):
        page = page_of((tmp_path / "比较" / unquote(link)).read_text("utf-8"))
        assert words(page.find(".//h1")) == f"{agency}：年度报告比较"
    assert {path.name for path in (tmp_path / "比较").iterdir()} == {"index.html", *map(unquote, links)}
    assert len(page_of((tmp_path / "比较" / unquote(links[0])).read_text("utf-8")).xpath("//table")) > 3


def chart(values: dict[str, list[int | None]], years: tuple[int, ...]) -> tuple[ChartData, Any]:
    series = tuple(Series(title, tuple(numbers)) for title, numbers in values.items())
    counts = tuple(1 for _ in years)
    data = ChartData("办理结果", years, series, counts, tuple(0 for _ in years))
    return data, etree.fromstring(str(stacked_columns(data, 1)))


def drawn(svg: Any) -> list[Any]:
    return svg.findall("rect[@class='part']")


def test_columns_are_as_high_as_their_numbers() -> None:
    data, svg = chart({"甲": [10, 20], "乙": [30, 0]}, (2022, 2023))
    heights = [float(r.get("height")) for r in drawn(svg)]
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.01)
    assert heights[2] == pytest.approx(2 * heights[0], rel=0.01)
    assert [r.findtext("title") for r in drawn(svg)] == ["2022年 甲 10", "2022年 乙 30", "2023年 甲 20"]
    assert (svg.findtext("title"), svg.findtext("desc")) == ("办理结果", "2022年40；2023年20")
    assert svg.get("role") == "img"
    assert {"甲", "乙"} <= {t.text for t in svg.findall("text")}
    assert data.totals == (40, 20)


@pytest.mark.parametrize(
    ("values", "years", "texts"),
    [
        ({"甲": [0, 0], "乙": [0, 0]}, (2022, 2023), {"0", "2022", "2023", "甲", "乙"}),
        ({"甲": [7]}, (2023,), {"7", "2023", "甲"}),
        ({"甲": [None, 3]}, (2022, 2023), {"无数据", "3", "2022", "2023", "甲"}),
        ({"甲": [None]}, (2023,), {"无数据", "2023", "甲"}),
        ({"甲": []}, (), {"甲"}),
    ],
)
def test_zeros_one_year_and_no_data_look_right(
    values: dict[str, list[int | None]], years: tuple[int, ...], texts: set[str]
) -> None:
    _, svg = chart(values, years)
    assert texts - {"甲"} <= {t.text for t in svg.findall("text")} <= texts
    assert not re.search("nan|inf", etree.tostring(svg).decode())


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=4, max_size=4), min_size=1, max_size=8))
def test_labels_never_cover_each_other_and_nothing_leaves_the_drawing(columns: list[list[int]]) -> None:
    groups = {f"第{i}组": [row[i % 4] for row in columns] for i in range(8)}
    _, svg = chart(groups, tuple(range(2020, 2020 + len(columns))))
    labels = [t for t in svg.findall("text") if t.get("text-anchor") == "start"]
    heights = sorted(float(t.get("y")) for t in labels)
    assert len(labels) == 8
    assert all(b - a > 13 for a, b in pairwise(heights))
    _, _, width, height = map(float, svg.get("viewBox").split())
    for element in svg.iter("rect", "text"):
        assert 0 <= float(element.get("x")) <= width
        assert 0 <= float(element.get("y")) <= height


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("fill", "ink"), PALETTE)
def test_numbers_can_be_read_on_every_colour(fill: str, ink: str) -> None:
    light, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_blank_figure_is_left_out_and_said_not_taken_for_zero(pack: Pack) -> None:
    data = consistent_report(pack, 1)
    blank = copy.deepcopy(data)
    blank["requests"]["results"]["refused"]["other_law"]["total"] = None
    reports = [Report({**data, "agency": "甲局"}), Report({**blank, "agency": "乙局"})]
    results = chart_data(pack.charts[0], reports_by_year(reports))
    granted, _, refused, *_ = results.series
    assert results.incomplete == (1,)
    assert granted.values == (2 * data["requests"]["results"]["granted"]["total"],)
    kinds = data["requests"]["results"]["refused"].values()
    assert refused.values == (sum(kind["total"] for kind in kinds),)
    page = page_of(charts_html(reports, pack))
    assert "有空白的报告（2023年1份）" in words(page)


def test_the_sums_of_the_groups_are_the_totals_of_the_form(pack: Pack) -> None:
    data = consistent_report(pack, 5)
    results, applicants, disputes = (chart_data(c, {2023: [Report(data)]}) for c in pack.charts)
    assert results.totals == (data["requests"]["results"]["total"]["total"],)
    assert applicants.totals == (data["requests"]["new"]["total"],)
    assert disputes.totals == (sum(kind["total"] for kind in data["disputes"].values()),)


def test_of_two_reports_of_one_year_the_later_counts_once() -> None:
    reports = [Report({"agency": "甲局", "year": 2023, "problems": text}) for text in "ab"]
    assert {
        year: [r.data["problems"] for r in found] for year, found in reports_by_year(reports).items()
    } == {2023: ["b"]}


def test_the_chart_page_has_all_agencies_and_each(pack: Pack) -> None:
    old, new = sets(pack, 3)
    page = page_of(charts_html([*old, *new], pack))
    assert words(page.find(".//h1")) == "3个单位：各年对照"
    assert len(page.xpath("//section")) == 3
    assert len(page.xpath("//*[name()='svg']")) == 4 * len(pack.charts)
    assert len(page.xpath("//figure//table")) == 4 * len(pack.charts)
    single = page_of(charts_html([old[0], new[0]], pack))
    assert (single.xpath("//section"), words(single.find(".//h1"))) == ([], "第0局：各年对照")


def test_a_pack_without_charts_says_so(tmp_path: Path) -> None:
    new_pack(tmp_path / "small")
    with pytest.raises(PackError, match=r"没有定义图表"):
        charts_html([], load_pack(tmp_path / "small"))


@pytest.mark.parametrize(
    ("chart", "message"),
    [
        ('node = "cases.sum", sum = ["cases.total"]', "用了没有的栏目：cases.sum"),
        ('node = "cases", sum = ["cases.*.total"]', "图表“办件”：没有数字栏目cases"),
        ('node = "cases", sum = ["problems"]', "图表“办件”：没有数字栏目problems"),
        ('node = "cases", sum = []', "sum"),
    ],
)
def test_a_mistake_in_a_chart_is_found_when_the_pack_loads(tmp_path: Path, chart: str, message: str) -> None:
    new_pack(tmp_path / "small")
    path = tmp_path / "small" / "pack.toml"
    path.write_text(
        path.read_text("utf-8") + f'\n[[chart]]\ntitle = "办件"\ngroup = [{{ {chart} }}]\n', "utf-8"
    )
    with pytest.raises(PackError, match=re.escape(message)):
        load_pack(tmp_path / "small")


def test_pages_are_written_by_the_commands(pack: Pack, tmp_path: Path) -> None:
    from nianbao.outputs.forms import write_register
    from nianbao.pipeline import report_from_data

    paths = [tmp_path / name for name in ("旧.xlsx", "新.xlsx")]
    for path, data in zip(paths, year_apart(pack), strict=True):
        write_register(pack, path, [report_from_data(data, pack)])
    out = tmp_path / "比较.html"
    assert run("diff", *paths, "-o", out).returncode == 1
    page = page_of(out.read_text("utf-8"))
    assert "登记表!" not in words(page.find(".//h1"))
    assert len(page.xpath("//*[name()='svg']")) == len(pack.charts)
    done = run("diff", *paths, "-o", tmp_path / "比较")
    assert done.returncode == 1
    assert "和1个单位的网页" in done.stderr
    assert run("diff", *paths, "-o", tmp_path / "比较", "--format", "json").returncode == 2
    done = run("chart", *paths, "-o", tmp_path / "图.html")
    assert (done.returncode, done.stderr) == (0, "")
    page_of((tmp_path / "图.html").read_text("utf-8"))
    done = run("chart", *paths, "-o", tmp_path / "图.png")
    assert (done.returncode, done.stdout) == (2, "")
