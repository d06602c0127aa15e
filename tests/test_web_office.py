"""The page of an office that collects: ledger, notices, roll-up; nothing is written but in its own folder."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook
from starlette.testclient import TestClient

from conftest import EXAMPLES, consistent_report
from nianbao.cli.previewing import Address, Collection, _space, run_preview
from nianbao.collecting import collect
from nianbao.consolidation import Rollup
from nianbao.errors import InputError
from nianbao.findings import Finding, Where
from nianbao.ledger.lines import DONE, STATUSES
from nianbao.outputs.results.words import value_words
from nianbao.pack import Pack
from nianbao.web.app import create_app
from nianbao.web.office.given import Given, from_workspace
from nianbao.web.office.ledger import _urgency
from nianbao.web.office.space import OfficeSpace
from nianbao.web.settings import Settings

HOST, TOKEN = "127.0.0.1:8000", "a-token-for-tests-only"
COLLECT = EXAMPLES / "collect"
FIRST, LATER = date(2024, 1, 28), date(2024, 2, 2)


def client_of(space: OfficeSpace) -> TestClient:
    """Return a client of a page that does not watch its files: it is not started, so tests say when."""
    app = create_app(space, Settings((HOST,), TOKEN))
    right = {"authorization": f"Bearer {TOKEN}"}
    return TestClient(app, base_url=f"http://{HOST}", headers=right, follow_redirects=False)


@pytest.fixture(scope="module")
def space(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeSpace]:
    """The example's first round."""
    given = Given(COLLECT / "roster.xlsx", COLLECT / "received", today=FIRST, office="清河区公开办")
    with OfficeSpace(pack, given) as space:
        assert space.refresh()
        yield space


@pytest.fixture(scope="module")
def client(space: OfficeSpace) -> TestClient:
    return client_of(space)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A copy of the example to be changed."""
    shutil.copytree(COLLECT, tmp_path / "office")
    return tmp_path / "office"


def rows(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the ledger: key, status, link and what stands there, by agency."""
    found = re.findall(
        r'<tr data-id="(\w+)"[^>]*data-status="(\w+)".*?<a href="([^"]+)">(.*?)</a>(.*?)</tr>',
        page,
        re.DOTALL,
    )
    return {
        agency: {"key": key, "status": status, "link": link, "text": text}
        for key, status, link, agency, text in found
    }


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
    }


# ---- the ledger ----


def test_the_ledger_shows_every_agency_with_its_status_in_word_and_colour(
    client: TestClient, space: OfficeSpace
) -> None:
    page = client.get("/").text
    shown = rows(page)
    assert space.standing is not None
    lines = space.standing.survey.ledger.lines
    assert {name: row["status"] for name, row in shown.items()} == {x.member.name: x.status for x in lines}
    for line in lines:
        text = shown[line.member.name]["text"]
        assert f'<span class="status is-{line.status}">' in text
        assert f"</svg>{STATUSES[line.status]}</span>" in text
        assert all(f">{part}<" in text for part in line.member.contact.split())
        assert ("还有3天" in text) == (line.status == "missing")
    for kind, count in space.standing.survey.ledger.counts.items():
        assert re.search(rf'data-status="{kind}" aria-pressed="false"><b>{count}</b>', page)
    assert list(shown)[:3] == ["清河区财政局", "清河区教育局", "清河区民政局"]  # problems first
    assert "政府/清河区年报.xlsx" in shown["清河区人民政府"]["text"]


def test_what_belongs_to_nobody_and_what_came_twice_is_said_with_what_to_do(client: TestClient) -> None:
    page = client.get("/").text
    matters = page.partition('class="matters"')[2].partition("</section>")[0]
    assert "“年报终稿2.json”未对应名录单位" in matters
    assert "“未对应”一表写明“指定单位”" in matters
    assert "清河区教育局：收到2份不同的报告" in matters
    seen = re.findall(r'<a href="(/reports/\w+)">看(.*?)</a>', matters)
    assert [name for _, name in seen] == ["教育局填报表.xlsx", "教育局填报表（改）.xlsx"]
    for link, _ in seen:
        report = client.get(link)
        assert (report.status_code, "没有采用这一份" in report.text) == (200, True)


def test_every_agency_leads_to_its_report_and_to_its_notice(client: TestClient) -> None:
    for agency, row in rows(client.get("/").text).items():
        page = client.get(row["link"])
        assert page.status_code == 200
        assert agency in page.text.partition('<article class="paper"')[0]  # also one that bears another name
        notice = client.get(f"/notices/{row['key']}").text
        assert ("没有需要通知的事项" in notice) == (row["status"] == "passed")
    report = client.get(rows(client.get("/").text)["清河区财政局"]["link"]).text
    assert "mark is-error" in report
    assert '<a class="button" href="/notices/' in report


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_list_is_exported_as_it_is_filtered(client: TestClient, kind: str) -> None:
    shown = rows(client.get("/").text)
    wanted = ["清河区民政局", "清河区财政局"]
    ids = ",".join(shown[name]["key"] for name in wanted)
    answer = client.post("/ledger", data={"ids": ids, "format": kind})
    assert answer.status_code == 200
    if kind == "csv":
        table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        cells = list(load_workbook(io.BytesIO(answer.content))["台账"].iter_rows(values_only=True))
        table = [dict(zip(map(str, cells[0]), row, strict=True)) for row in cells[1:] if row[1]]
    assert [row["单位"] for row in table] == wanted
    assert [row["状态"] for row in table] == ["未报", "退回"]


def test_a_notice_is_shown_as_its_word_file_says_and_taken_along(client: TestClient) -> None:
    row = rows(client.get("/").text)["清河区财政局"]
    page = client.get(f"/notices/{row['key']}").text
    paper = page.partition('<article class="paper"')[2]
    word = client.get(f"/notices/{row['key']}/file.docx")
    document = Document(io.BytesIO(word.content))
    said = [p.text for p in document.paragraphs if p.text.strip()]
    said += [cell.text for table in document.tables for line in table.rows for cell in line.cells]
    assert "清河区公开办" in said
    plain = re.sub(r"<[^>]+>|\s", "", paper)
    for text in said:
        assert re.sub(r"\s", "", text) in plain, text
    mail = client.get(f"/notices/{row['key']}/file.txt").content.decode("utf-8-sig")
    assert mail.startswith("收件人：")
    assert mail.splitlines()[1] in page  # what the button copies
    assert client.get(f"/notices/{row['key']}/file.exe").status_code == 404
    assert client.get("/notices/0000").status_code == 404


def test_all_notices_come_in_one_archive(client: TestClient) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get("/notices.zip").content)) as archive:
        names = archive.namelist()
    waiting = [name for name, row in rows(client.get("/").text).items() if row["status"] != "passed"]
    assert sorted(names) == sorted(
        f"{name}2023年更正通知.{form}" for name in waiting for form in ("docx", "txt")
    )


def test_a_file_that_arrives_shows_and_only_it_is_read(
    office: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OfficeSpace(pack, Given(office / "roster.xlsx", office / "received", today=LATER)) as space:
        space.refresh()
        assert space.refresh() is False
        before = files_below(office)
        client = client_of(space)
        assert "已超期2天" in rows(client.get("/").text)["清河区民政局"]["text"]
        read: list[str] = []
        from nianbao.collecting import files

        reading = files.read_raw
        monkeypatch.setattr(
            files, "read_raw", lambda path, pack: read.append(path.name) or reading(path, pack)
        )
        shutil.copy(office / "corrected" / "民政局.xlsx", office / "received")
        assert space.refresh()
        row = rows(client.get("/").text)["清河区民政局"]
        assert (row["status"], "超期2天报送" in row["text"], read) == ("passed", True, ["民政局.xlsx"])
        link = row["link"]
        (office / "received" / "民政局.xlsx").rename(office / "received" / "定稿.xlsx")
        space.refresh()
        assert client.get(link).status_code == 200  # its page stays open
        (office / "received" / "定稿.xlsx").unlink()
        space.refresh()
        assert client.get(link).status_code == 404
        assert files_below(office).keys() == before.keys()
        folder = space.folder
    assert not folder.exists()


def test_uploads_are_refused_in_words_and_leave_nothing(client: TestClient, space: OfficeSpace) -> None:
    content = (COLLECT / "received" / "czj.json").read_bytes()
    answer = client.post("/files", files=[("files", ("a.json", content))])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "collecting")
    assert "请把文件放进文件夹“received”" in answer.json()["error"]["message"]
    assert not list(space.folder.rglob("*.json"))


def test_a_set_up_that_breaks_meanwhile_is_told_and_the_ledger_stays(office: Path, pack: Pack) -> None:
    roster = office / "roster.xlsx"
    with (
        OfficeSpace(pack, Given(roster, office / "received", today=FIRST)) as space,
        client_of(space) as client,
    ):
        assert "正在读取和核对" in client.get("/").text
        assert client.post("/ledger", data={"ids": ""}).status_code == 409
        space.refresh()
        content = roster.read_bytes()
        roster.write_bytes(b"PK\x03\x04 torn")
        assert space.refresh()
        page = client.get("/").text
        assert "台账没有更新" in page
        assert len(rows(page)) == 8
        roster.write_bytes(content)
        assert space.refresh()
        assert "台账没有更新" not in client.get("/").text


# ---- an existing workspace ----


@pytest.fixture(scope="module")
def workspace(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the second round beside its inputs."""
    folder = tmp_path_factory.mktemp("made") / "office"
    shutil.copytree(COLLECT, folder)
    collect(folder / "roster.xlsx", folder / "received", folder / "one", pack, today=FIRST)
    collect(
        folder / "roster.xlsx",
        folder / "corrected",
        folder / "two",
        pack,
        today=LATER,
        since=folder / "one",
        previous=str(folder / "previous.json"),
        aliases=folder / "aliases.csv",
        office="清河区公开办",
    )
    return folder / "two"


def test_a_workspace_opens_from_what_it_was_made_of_and_is_never_written(
    workspace: Path, pack: Pack, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(workspace.parent, moved)
    given = from_workspace(moved / "two")
    assert (given.roster, given.folder) == (moved / "roster.xlsx", moved / "corrected")
    assert (given.since, given.year, given.office) == (moved / "one", 2023, "清河区公开办")
    before = files_below(moved)
    with OfficeSpace(pack, given) as space:
        client = client_of(space)
        space.refresh()
        page = client.get("/").text
        index = json.loads((moved / "two" / "索引.json").read_text(encoding="utf-8"))
        assert {n: STATUSES[r["status"]] for n, r in rows(page).items()} == {
            each["agency"]: each["status"] for each in index["agencies"]
        }
        assert "第2轮，与“one”相比：新增1个，未改1个，已改2个" in page
        assert "新增1 未改1" in rows(page)["清河区税务局"]["text"]
        client.get("/notices.zip")
        client.post("/ledger", data={"ids": ""})
    assert files_below(moved) == before


def test_a_workspace_given_as_any_other_input_is_known(workspace: Path, pack: Pack) -> None:
    with _space([str(workspace)], ([], None, []), pack, None) as space:
        assert isinstance(space, OfficeSpace)


def test_an_agency_whose_published_report_differs_stands_among_the_problems(
    workspace: Path, pack: Pack
) -> None:
    with OfficeSpace(pack, from_workspace(workspace)) as space:
        space.refresh()
        assert space.standing is not None
        made = space.standing.survey.ledger
        fine = next(line for line in made.lines if line.status in DONE and not line.remarks)
        wrong = Finding("PUBLISHED", "warning", None, Where(), "公开的网页与审签数据不符")
        rank = _urgency(made)
        assert rank(replace(fine, remarks=(wrong,))) < rank(fine)


def test_what_the_office_fills_in_shows_on_the_page(workspace: Path, pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    shutil.copytree(workspace.parent, folder)
    given = from_workspace(folder / "one")
    with OfficeSpace(pack, given) as space:
        client = client_of(space)
        space.refresh()
        assert rows(client.get("/").text)["清河区教育局"]["status"] == "received"
        book = load_workbook(folder / "one" / "台账.xlsx")
        sheet = book["台账"]
        head = [cell.value for cell in sheet[1]]
        line = next(row for row in sheet.iter_rows(min_row=2) if row[1].value == "清河区教育局")
        line[head.index("采用稿")].value = "教育局填报表（改）.xlsx"
        book.save(folder / "one" / "台账.xlsx")
        assert space.refresh()
        row = rows(client.get("/").text)["清河区教育局"]
        assert (row["status"], "教育局填报表（改）.xlsx" in row["text"]) == ("passed", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"roster": None, "workspace": COLLECT / "received"}, "不是收报的台账文件夹"),
        ({"roster": COLLECT / "roster.xlsx", "workspace": None}, "同时给出 --roster 名录"),
        (
            {"roster": None, "workspace": None, "said": {"office": "办"}},
            "要与 --roster 或 --workspace 一起用",
        ),
    ],
)
def test_wrong_calls_are_told_before_anything_is_served(
    arguments: dict[str, object], said: str, pack: Pack
) -> None:
    collection = Collection(**{"said": {}, **arguments})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        run_preview([], ([], None, []), None, Address("127.0.0.1", 0, (), False), pack, (), collection)


def test_a_workspace_whose_inputs_are_gone_says_what_to_give(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace, tmp_path / "two")
    with pytest.raises(InputError, match="现在找不到它；请在命令里用--roster写明"):
        from_workspace(tmp_path / "two")
    (tmp_path / "two" / "索引.json").unlink()
    with pytest.raises(InputError, match="没有记下它是从哪里收的"):
        from_workspace(tmp_path / "two")


# ---- the roll-up ----

ROLLUP = EXAMPLES / "rollup"
WHOLE = "清河区人民政府"


@pytest.fixture(scope="module")
def whole(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeSpace]:
    """The example of a roll-up; its roster has no dates, so that day and year do not matter."""
    given = Given(
        ROLLUP / "roster.csv",
        ROLLUP / "reports",
        previous=(str(ROLLUP / "previous.json"),),
        adjustments=ROLLUP / "adjustments.csv",
        today=FIRST,
    )
    with OfficeSpace(pack, given) as space:
        space.refresh()
        yield space


@pytest.fixture(scope="module")
def rolled(whole: OfficeSpace) -> Rollup:
    found = whole.rolled()
    assert found is not None
    assert found.rollup is not None, found.problem
    return found.rollup


def shares(page: str) -> list[tuple[str, str, str]]:
    """Return the members behind a figure as the page lists them: name, value, page of the report."""
    found = re.findall(
        r'<th scope="row"><a href="([^"]+)">(.*?)</a>.*?</th>\s*<td class="number">(.*?)</td>',
        page,
        re.DOTALL,
    )
    return [(name, value, link) for link, name, value in found]


def test_every_figure_of_the_whole_leads_to_the_members_behind_it(
    whole: OfficeSpace, rolled: Rollup, pack: Pack
) -> None:
    client = client_of(whole)
    page = client.get("/rollup").text
    assert f"<h1>{WHOLE}<small>2023年汇总</small>" in page
    links = dict(re.findall(r'data-field="([\w.]+)"><a class="figure[^"]*" href="([^"]+)"', page))
    printed = {f.path for f in pack.fields.numbers if f.printed and f.path in rolled.fields}
    assert set(links) == {path for path in printed if rolled.figures[path] is not None}
    for path in (
        "requests.new.total",
        "disclosure.administrative_fees.amount",
        "disputes.litigation_direct.other",
    ):
        answer = client.get(links[path])
        assert answer.status_code == 200
        text = answer.text
        assert [(name, value) for name, value, _ in shares(text)] == [
            (name, value_words(value)) for name, value in rolled.by(path)
        ]
        zeros = [m.agency for m in rolled.members if m.figures[rolled.fields.index(path)] == 0]
        assert (f"另有{len(zeros)}个单位为0" in text) == bool(zeros)
        assert all(name in text.partition("另有")[2] for name in zeros)
        for _, _, link in shares(text):
            assert link.endswith(f"#field={path}")
            assert f'data-field="{path}"' in client.get(link.partition("#")[0]).text


def test_an_adjusted_figure_shows_reason_approver_and_how_it_adds_up(whole: OfficeSpace) -> None:
    client = client_of(whole)
    page = client.get("/rollup/figures/disputes.reconsideration.corrected").text
    assert "＝成员合计2 −1" in page
    assert "同一件复议案件" in page
    assert "批准人：王主任" in page
    foot = re.sub(r"<[^>]+>", " ", page.partition("<tfoot>")[2].partition("</tfoot>")[0]).split()
    assert foot == ["成员合计", "2", "100%", "调整", "−1", "公布数", "1"]
    assert "合计随分项的调整" in client.get("/rollup/figures/disputes.reconsideration.total").text
    for path in ("agency", "no.such.field", "..%2F..%2Fetc%2Fpasswd"):
        assert client.get(f"/rollup/figures/{path}").status_code == 404


def test_the_matrix_is_that_of_the_roll_up(whole: OfficeSpace, rolled: Rollup, pack: Pack) -> None:
    client = client_of(whole)

    def table(query: str) -> dict[str, list[str]]:
        body = client.get(f"/rollup/matrix{query}").text.partition("<tbody>")[2].partition("</tbody>")[0]
        lines = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        cells = [[re.sub(r"<[^>]+>", "", c) for c in re.findall(r"<t[hd].*?</t[hd]>", x)] for x in lines]
        return {line[0]: line[1:] for line in cells}

    shown = table("?zeros=1")
    assert list(shown) == [pack.fields.place(path) for path in rolled.fields]
    for number, path in enumerate(rolled.fields):
        total, added, _, *own = shown[pack.fields.place(path)]
        assert (total, added) == (value_words(rolled.figures[path]), value_words(rolled.sums[number]))
        assert own == [value_words(member.figures[number]) for member in rolled.members]
    filled = [p for n, p in enumerate(rolled.fields) if any(m.figures[n] for m in rolled.members)]
    assert list(table("")) == [pack.fields.place(path) for path in filled]
    only = table("?table=disputes")
    assert only
    assert all(place.startswith("表四") for place in only)
    assert table("?table=nothing&page=999999999") == table("")


def test_the_files_of_the_roll_up_are_those_of_the_command(whole: OfficeSpace, rolled: Rollup) -> None:
    client = client_of(whole)
    word = client.get("/rollup/report.docx")
    assert WHOLE in Document(io.BytesIO(word.content)).core_properties.title
    book = load_workbook(io.BytesIO(client.get("/rollup/matrix.xlsx").content))
    assert book.sheetnames[0] == "贡献矩阵"
    texts = load_workbook(io.BytesIO(client.get("/rollup/texts.xlsx").content))
    assert {row[0].value for row in texts.worksheets[0].iter_rows(min_row=2)} >= {rolled.members[0].agency}
    data = client.get("/rollup/report.json").json()
    assert data["requests"]["new"]["total"] == rolled.figures["requests.new.total"]


def test_an_incomplete_or_wrong_roll_up_says_so_and_gives_no_report(client: TestClient) -> None:
    page = client.get("/rollup").text
    draft = page.partition('class="draft"')[2].partition("</p>")[0]
    assert "缺3家" in draft
    assert "清河区民政局" in draft
    assert "清河区财政局未通过校验（2个错误），不能汇总" in page
    assert '<a href="/reports/' in page.partition("清河区财政局未通过校验")[2].partition("</li>")[0]
    assert "/rollup/report.docx" not in page
    answer = client.get("/rollup/report.docx")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "fails")
    assert client.get("/rollup/matrix.xlsx").status_code == 200


def test_nobody_rolls_up_into_a_name_from_an_address(client: TestClient) -> None:
    assert f"<h1>{WHOLE}" in client.get("/rollup", params={"whole": "<b>别的政府"}).text


def test_what_was_made_is_kept_until_a_file_changes(
    office: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nianbao.web.office import space as spaces

    made: list[str] = []
    rolling = spaces.rolled_up
    monkeypatch.setattr(spaces, "rolled_up", lambda *given: made.append(given[-1]) or rolling(*given))
    with OfficeSpace(pack, Given(office / "roster.xlsx", office / "received", today=FIRST)) as space:
        client = client_of(space)
        space.refresh()
        before = [client.get(path).text for path in ("/rollup", "/rollup/matrix", "/rollup")]
        assert (before[0] == before[2], len(made)) == (True, 1)
        shutil.copy(office / "corrected" / "民政局.xlsx", office / "received")
        space.refresh()
        assert client.get("/rollup").text != before[0]
        assert len(made) == 2


@pytest.mark.parametrize("path", ["/", "/notices.zip", "/rollup", "/rollup/matrix", "/rollup/report.docx"])
def test_the_pages_of_a_collection_stand_behind_the_guard(space: OfficeSpace, path: str) -> None:
    client = client_of(space)
    assert client.get(path, headers={"authorization": ""}).status_code == 401
    assert client.get(path, headers={"host": "elsewhere.example"}).status_code == 421
    assert client.get(path, headers={"origin": "http://elsewhere.example"}).status_code == 403
    answer = client.get(path)
    assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src)|\sstyle=|\son\w+=", answer.text[:200_000])


def test_names_that_look_like_markup_are_only_text(pack: Pack, tmp_path: Path) -> None:
    bad = "<img src=x onerror=alert(1)>局"
    (tmp_path / "in").mkdir()
    data = consistent_report(pack, 3, agency=bad)
    data["requests"]["new"]["total"] += 1
    (tmp_path / "in" / "a<b>.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    (tmp_path / "roster.csv").write_text(f"单位名称,类别,联系人\n{bad},政府,<i>甲\n", encoding="utf-8")
    with OfficeSpace(pack, Given(tmp_path / "roster.csv", tmp_path / "in", year=data["year"])) as space:
        space.refresh()
        assert space.standing is not None
        (key,) = space.standing.lines
        client = client_of(space)
        for path in (
            "/",
            f"/notices/{key}",
            "/rollup",
            "/rollup/matrix",
            "/rollup/figures/requests.new.total",
        ):
            page = client.get(path).text
            assert "onerror=alert" in page, path
            assert not re.search(r"<img|<i>甲|a<b>", page), path
