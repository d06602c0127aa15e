"""Claims: figures in texts beside the tables, numbers in all their spellings, and what a pack may not say."""

from __future__ import annotations

import json
import sys
import tomllib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conftest import ROOT
from nianbao.claims import ClaimReader, read_claims
from nianbao.claims.binding import Claim, claims_of
from nianbao.claims.words import expand
from nianbao.errors import PackError
from nianbao.fields import place_value
from nianbao.findings import Finding
from nianbao.pack import load_pack
from nianbao.pipeline import check, check_many, report_from_data
from nianbao.rules.expression import ExpressionError

sys.path.insert(0, str(ROOT / "benchmarks"))
import claims as bench
from narratives import Narrative, narratives

SOURCE = tomllib.loads((ROOT / "schemas/cn-ogi/2021/claims.toml").read_text("utf-8"))
SENTENCES = [*bench.cases(), *bench.cases("unseen")]
REPORTS = narratives(bench.SHARED)
needs_reports = pytest.mark.skipif(not REPORTS, reason=f"reference material missing: {bench.SHARED}")
ON_REQUEST = "overview.on_request.text"


def reader() -> ClaimReader:
    made = bench.pack().claims
    assert made is not None
    return made


def claims(text: str, topic: str = "requests") -> list[Claim]:
    return list(claims_of(text, topic, reader()))


def said(text: str, changes: dict[str, Any] | None = None, field: str = ON_REQUEST) -> list[Finding]:
    """Return the findings of a text beside the tables of the benchmark's city."""
    data = json.loads(json.dumps(bench.table("city")))
    for path, value in (changes or {}).items():
        place_value(data, path, value)
    return bench.findings(bench.report(data, {field: text}))


# ---- sentences with what a careful reader says of them ----


@pytest.mark.parametrize("case", SENTENCES, ids=lambda case: case.text[:24])
def test_a_sentence_is_judged_as_a_careful_reader_would(case: bench.Case) -> None:
    expected = {"wrong": "wrong", "scope": "scope"}.get(case.expect, "nothing")
    expected = "nothing" if case.missed else expected
    assert bench.outcome(case) == expected


def test_nine_of_ten_right_sentences_are_right_because_a_figure_is_understood() -> None:
    right = [case for case in SENTENCES if case.expect == "right" and case.table != "quiet"]
    known = sum(bench.bound(c.text, c.field, str(bench.table(c.table)["agency"])) for c in right)
    assert known / len(right) > 0.9


@needs_reports
@pytest.mark.parametrize("source", REPORTS, ids=lambda source: source.name)
def test_a_published_report_raises_no_alarm_but_what_a_reader_would_remark_on(source: Narrative) -> None:
    found = [f.message for f in bench.findings(bench.report(source.figures, source.texts))]
    assert len(found) == bool(source.contradicts)
    assert all(source.contradicts in message for message in found)


@needs_reports
def test_nearly_every_figure_of_a_published_text_is_missed_when_it_is_changed() -> None:
    rows = list(bench.published(REPORTS))
    counted, found = (sum(int(row[column]) for row in rows) for column in (4, 5))
    assert counted >= 20
    assert found / counted >= 0.9


# ---- what a finding says ----


def test_a_finding_quotes_the_sentence_and_names_the_place_in_the_form() -> None:
    (finding,) = said("去年的做法不变。2024年 共收到政府信息公开申请 795 件。答复805件。")
    assert "2024年共收到政府信息公开申请795件。" in finding.message
    assert "表三·一、本年新收·总计为812件" in finding.message
    assert (finding.field, finding.severity) == (ON_REQUEST, "warning")
    assert (finding.expected, finding.actual) == (812, 795)


def test_a_figure_of_an_office_asks_for_the_scope_and_not_for_a_correction() -> None:
    (finding,) = said("市政府办公室共收到申请17件。")
    assert "市政府办公室" in finding.message
    assert "注明口径" in finding.message


def test_an_office_that_reports_for_itself_is_not_a_part() -> None:
    (finding,) = said("区政府办公室共收到申请17件。", {"agency": "云溪区人民政府办公室"})
    assert "注明口径" not in finding.message


def test_a_long_sentence_is_quoted_around_the_number() -> None:
    (finding,) = said(f"{'统筹推进各项工作，' * 30}收到申请795件，{'统筹推进各项工作，' * 30}。")
    assert "收到申请795件" in finding.message
    assert len(finding.message) < 200


def test_the_same_figure_said_twice_in_a_text_is_one_finding() -> None:
    assert len(said("收到申请795件。经统计，收到申请795件。")) == 1


def test_a_sentence_that_was_wrapped_into_lines_is_read_as_one() -> None:
    text = "全年各承办单位认真登记、及时办理，共收到政府信\n息公开申请795件，其中予以公\n开402件。"
    assert [finding.actual for finding in said(text)] == [795]


def test_look_alike_characters_are_read_as_the_characters_that_they_look_like() -> None:
    assert [finding.actual for finding in said("全年答复申请８００件，⾃然⼈申请670件。")] == [800, 670]


def test_blank_cells_of_the_tables_contradict_nothing() -> None:
    data = {"agency": "甲局", "year": 2024, "overview": {"on_request": {"text": "收到申请5件，办复率90%。"}}}
    findings = check(report_from_data(data, bench.pack()), bench.pack()).findings
    assert [f for f in findings if f.rule == "CLAIMS"] == []


@pytest.mark.parametrize("text", ["收到申请800件", "2023年，收到申请800件", "2024年，收到申请800件"])
def test_a_figure_of_another_year_is_not_held_against_this_one(text: str) -> None:
    assert len(said(text)) == (0 if "2023" in text else 1)


def test_what_is_carried_into_the_next_year_may_name_that_year() -> None:
    assert [finding.actual for finding in said("结转2025年办理中的申请忽略。其余结转2025年43件。")] == [43]
    assert said("结转2026年43件。") == []


# ---- growth ----


def growth(text: str, now: int, before: int) -> list[Finding]:
    data = {"agency": "甲市人民政府", "year": 2024}
    reports = []
    for number in (now, before):
        copy: dict[str, Any] = json.loads(json.dumps(bench.table("quiet")))
        copy |= data
        place_value(copy, "requests.new.total", number)
        copy["year"] -= len(reports)
        reports.append(bench.report(copy, {} if reports else {ON_REQUEST: text}))
    return bench.findings(reports[0], reports[1])


def test_growth_is_not_judged_without_the_year_before() -> None:
    assert said("收到申请812件，同比增长99%。") == []


def test_growth_is_judged_beside_the_reports_of_last_year() -> None:
    last = {**json.loads(json.dumps(bench.table("quiet"))), "year": 2023}
    now = json.loads(json.dumps(bench.table("quiet")))
    place_value(last, "disputes.reconsideration.total", 40)
    place_value(now, "disputes.reconsideration.total", 45)
    made = bench.report(now, {ON_REQUEST: "行政复议45件，同比增长15.5%。"})
    (result,) = check_many([made], bench.pack(), [last])
    assert [f.field for f in result.findings if f.rule == "YOY-GROWTH"] == [ON_REQUEST]


def test_growth_over_another_year_is_not_judged() -> None:
    assert growth("收到申请45件，比2019年增长99%。", 45, 40) == []
    assert len(growth("收到申请45件，比2023年增长99%。", 45, 40)) == 1


def test_growth_says_what_it_is_calculated_from() -> None:
    (finding,) = growth("收到申请45件，同比增长15.5%。", 45, 40)
    assert "本年为45、上年为40，应为增长12.5%" in finding.message


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 2))
@example(812, 722, 1)
@example(1, 3, 0)
def test_a_growth_rate_is_right_at_every_precision(now: int, before: int, decimals: int) -> None:
    rate = Decimal(abs(now - before)) * 100 / before
    shown = rate.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    word, other = ("增长", "下降") if now >= before else ("下降", "增长")
    assert growth(f"收到申请{now}件，同比{word}{shown}%。", now, before) == []
    assert len(growth(f"收到申请{now}件，同比{word}{shown + 2}%。", now, before)) == 1
    assert len(growth(f"收到申请{now}件，同比{other}{shown}%。", now, before)) == bool(shown)


# ---- numbers ----


def spelled(number: int) -> str:
    """Return a number below ten thousand in Chinese numerals."""
    digits, units = "零一二三四五六七八九", ("", "十", "百", "千")
    text = "".join(
        digits[int(d)] + (units[place] if d != "0" else "")
        for place, d in zip(range(len(str(number)) - 1, -1, -1), str(number), strict=True)
    )
    while "零零" in text:
        text = text.replace("零零", "零")
    return text.rstrip("零") or "零"


@given(st.integers(0, 9999), st.sampled_from(["plain", "grouped", "wide", "spelled", "spaced"]))
def test_a_number_is_read_in_every_spelling(number: int, way: str) -> None:
    texts = {
        "plain": str(number),
        "grouped": f"{number:,}",
        "wide": str(number).translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)}),
        "spelled": spelled(number),
        "spaced": f" {number} ",
    }
    (claim,) = claims(f"全年收到政府信息公开申请{texts[way]}件。")
    assert claim.quantity is not None
    assert (claim.quantity.value, claim.quantity.unit) == (number, "件")
    assert not claim.quantity.approximate


@given(st.integers(1, 10**9))
def test_an_amount_is_right_when_it_is_rounded_to_the_digits_that_are_written(cents: int) -> None:
    amount = Decimal(cents) / 10000
    for decimals in (0, 1, 2, 4):
        shown = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        text = f"收取行政事业性收费{shown:f}万元。"
        changes = {"disclosure.administrative_fees.amount": f"{amount:f}"}
        assert said(text, changes, "overview.proactive.text") == []


@pytest.mark.parametrize(
    "number",
    [
        "40余",
        "近40",
        "约40",
        "40多",
        "四十余",
        "40至50",
        "30—40",
        "超过40",
        "不足40",
        "几十",
        "数百",
        "上百",
        "两三",
        "三五",
        "七八",
    ],
)
def test_an_approximate_number_is_never_wrong(number: str) -> None:
    for after in ("件", "件左右", "件以上"):
        assert said(f"全年收到政府信息公开申请{number}{after}。") == []


@given(
    st.text(
        alphabet="收到申请件12十万%，。、（）()其中予以公开复议诉讼年上结转比增长元办公室维持均未\n ",
        max_size=60,
    )
)
def test_any_text_can_be_read(text: str) -> None:
    for finding in said(text):
        assert "{" not in finding.message


# ---- the pack's file ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("申请", ["申请"]),
        ("{上,去}年", ["上年", "去年"]),
        ("{a,}{b,c}", ["ab", "ac", "b", "c"]),
        ("{a{b,c},d}", ["ab", "d", "ac", "d"]),
    ],
)
def test_braces_stand_for_any_of_their_words(text: str, words: list[str]) -> None:
    assert list(expand(text)) == words


def changed(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(SOURCE)), **changes}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (changed(words={**SOURCE["words"], "up": ["申请"]}), "申请"),
        (changed(topic=[{**SOURCE["topic"][0], "default": "nothing"}, *SOURCE["topic"][1:]]), "nothing"),
        (changed(figure=[{**SOURCE["figure"][0], "topic": "nowhere"}]), "nowhere"),
        (changed(figure=[{**SOURCE["figure"][0], "equals": ["requests.nothing"]}]), "requests.nothing"),
        (changed(figure=[*SOURCE["figure"], {**SOURCE["figure"][0], "id": "again"}]), "有两个数字"),
        (
            changed(
                figure=[
                    *SOURCE["figure"],
                    {**SOURCE["figure"][-1], "of": []},
                    {**SOURCE["figure"][0], "id": "r", "words": ["率"], "of": ["1", "2", "3"]},
                ]
            ),
            "一样多",
        ),
    ],
)
def test_a_mistake_in_the_words_of_a_pack_is_named(source: dict[str, Any], problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        read_claims(source, bench.pack().fields)


def copied(tmp_path: Path) -> Path:
    """Return a copy of the pack's folder, its templates beside it."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for path in (ROOT / "schemas/cn-ogi/2021").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for path in (ROOT / "templates/cn-ogi/2021").glob("*.docx"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_pack_that_holds_texts_against_tables_needs_the_words_for_it(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "claims.toml").unlink()
    with pytest.raises(PackError, match=r"CLAIMS.*claims\.toml"):
        load_pack(folder)


def test_a_pack_without_that_rule_does_without_the_words(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "claims.toml").unlink()
    head, *rules = (folder / "rules.toml").read_text("utf-8").split("[[rule]]\n")
    kept = [rule for rule in rules if 'check = "claims"' not in rule and 'check = "growth"' not in rule]
    (folder / "rules.toml").write_text("[[rule]]\n".join([head, *kept]), encoding="utf-8")
    assert load_pack(folder).claims is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('title = "规章"', 'titel = "规章"', "title"),
        ("requests.new.total", "requests.new.totle", "totle"),
        ("'复议(", "'复议((", r"claims\.toml"),
    ],
)
def test_a_mistake_in_the_file_is_found_when_the_pack_loads(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    folder = copied(tmp_path)
    text = (folder / "claims.toml").read_text("utf-8")
    assert old in text
    (folder / "claims.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PackError, match=problem):
        load_pack(folder)


def test_every_figure_and_phrase_has_an_example_with_and_without_a_mistake() -> None:
    folder = ROOT / "examples" / "cn-ogi" / "2021"
    reports = {f"{d['agency']}{d['year']}": d for d in json.loads((folder / "reports.json").read_bytes())}
    shown: dict[bool, set[str]] = {True: set(), False: set()}
    for case in json.loads((folder / "broken" / "cases.json").read_bytes()):
        broken = any(finding["rule"] == "CLAIMS" for finding in case["findings"])
        texts = {path: text for path, text in case["patch"].items() if isinstance(text, str)}
        for path, text in texts.items():
            for claim in claims_of(
                text, reader().openings.get(path, ""), reader(), reports[case["base"]]["agency"]
            ):
                shown[broken].add(
                    f"{claim.figure.topic}.{claim.figure.id}" if claim.figure else claim.phrase.title
                )  # type: ignore[union-attr]
            if not broken:
                shown[False] |= {p.title for p in reader().phrases if any(n in text for n in p.needles)}
    every = {f"{topic}.{name}" for topic, name in reader().figures} | {p.title for p in reader().phrases}
    assert every - shown[True] == set()
    assert every - shown[False] == set()
