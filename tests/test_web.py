"""The page and the HTTP service: what they answer, and what they refuse."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import html5lib
import httpx2 as httpx
import pytest
from docx import Document
from jsonschema import Draft202012Validator
from openpyxl import load_workbook
from starlette.testclient import TestClient

from conftest import EXAMPLES, consistent_report
from nianbao.cli.previewing import TOKEN as OWN_TOKEN
from nianbao.cli.previewing import Address, run_preview
from nianbao.errors import NianbaoError
from nianbao.outputs.forms import write_register
from nianbao.outputs.html import render_html
from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from nianbao.web.app import create_app
from nianbao.web.downloads import blank_form
from nianbao.web.security import HEADERS
from nianbao.web.serve import addresses
from nianbao.web.settings import Limits, Settings
from nianbao.web.workspace import Workspace

HOST = "127.0.0.1:8000"
TOKEN = "a-token-for-tests-only"
LIMITS = Limits(request=3 << 20, inflated=8 << 20, files=4, reports=60)
BROKEN = EXAMPLES / "broken" / "register.xlsx"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.fixture
def workspace(pack: Pack) -> Iterator[Workspace]:
    with Workspace(pack, LIMITS) as workspace:
        yield workspace


@pytest.fixture
def bare(workspace: Workspace) -> Iterator[TestClient]:
    """A client that brings no token."""
    settings = Settings((HOST,), TOKEN, limits=LIMITS)
    with TestClient(
        create_app(workspace, settings), base_url=f"http://{HOST}", follow_redirects=False
    ) as client:
        yield client


@pytest.fixture
def client(bare: TestClient) -> TestClient:
    """A client of an office system: it brings the token with every request."""
    bare.headers.update(RIGHT)
    return bare


def workbook(pack: Pack, *data: dict[str, Any]) -> bytes:
    """Return a register that holds the reports."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "register.xlsx"
        write_register(pack, path, [report_from_data(item, pack) for item in data])
        return path.read_bytes()


def with_mistake(pack: Pack, agency: str = "测试区某局") -> dict[str, Any]:
    data = consistent_report(pack, 3, agency=agency)
    data["requests"]["results"]["granted"]["total"] += 1
    return data


def give(client: TestClient, *files: tuple[str, bytes], part: str = "current") -> httpx.Response:
    return client.post(
        "/files",
        data={"part": part},
        files=[("files", file) for file in files],
        headers={"accept": "application/json"},
    )


def rows(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the list: status, id and what stands there, by agency."""
    found = re.findall(
        r'<tr data-id="(\w+)"[^>]*data-status="(\w+)".*?<a [^>]*>(.*?)</a>(.*?)</tr>', page, re.DOTALL
    )
    return {agency: {"id": id, "status": status, "text": text} for id, status, agency, text in found}


# ---- the page ----


def test_a_broken_workbook_is_listed_shown_in_its_cells_and_passes_when_mended(
    client: TestClient, pack: Pack
) -> None:
    assert give(client, ("甲局.xlsx", workbook(pack, with_mistake(pack, "甲局")))).json()["files"] == 1
    row = rows(client.get("/").text)["甲局"]
    assert (row["status"], "有错误" in row["text"], "各类申请人之和" in row["text"]) == ("fail", True, True)
    page = client.get(f"/reports/{row['id']}").text
    cell = re.search(r'<td class="([^"]*)" data-field="requests.results.granted.total".*?</td>', page)
    assert cell is not None
    assert "mark is-error" in cell[1]
    right = consistent_report(pack, 3)["requests"]["results"]["granted"]["total"]
    assert f'<span class="proposed">应为{right}</span>' in cell[0]
    assert client.get(f"/reports/{row['id']}/file.docx").status_code == 409

    answer = give(client, ("甲局.xlsx", workbook(pack, consistent_report(pack, 3, agency="甲局")))).json()
    assert answer["notes"] == ["已用新的“甲局.xlsx”替换原来的文件"]
    mended = rows(client.get("/").text)["甲局"]
    assert (mended["status"] != "fail", mended["id"]) == (True, row["id"])
    assert "is-error" not in client.get(f"/reports/{row['id']}").text.partition('<article class="paper"')[2]
    document = client.get(f"/reports/{row['id']}/file.docx")
    assert "甲局" in "".join(p.text for p in Document(io.BytesIO(document.content)).paragraphs)


def test_files_of_one_name_from_two_agencies_stand_beside_each_other(client: TestClient, pack: Pack) -> None:
    one, two = (workbook(pack, consistent_report(pack, 1, agency=name)) for name in ("甲局", "乙局"))
    give(client, ("附件2.xlsx", one), ("附件2.xlsx", two))
    give(client, ("附件2.xlsx", one))
    assert set(rows(client.get("/").text)) == {"甲局", "乙局"}


def test_every_finding_is_in_the_list_beside_the_report_and_printed_ones_have_a_cell(
    client: TestClient, workspace: Workspace
) -> None:
    workspace.give([str(BROKEN)])
    workspace.refresh()
    for item in workspace.checked():
        page = client.get(f"/reports/{item.id}").text
        ids = set(re.findall(r' id="([^"]+)"', page))
        for link in re.findall(r'<a href="#([^"]+)" data-jump>', page):
            assert link in ids
        for number in range(1, len(item.result.findings) + 1):
            assert f"n{number}" in ids
        printed = {
            finding.field
            for finding in item.result.findings
            if (field := workspace.pack.fields.find(finding.field or "")) and field.printed
        }
        marked = set(re.findall(r'class="[^"]*\bmark\b[^"]*" data-field="([^"]+)"', page))
        assert printed <= marked | {"agency", "year"}, item.report.agency


def test_a_missing_text_is_shown_where_it_should_stand(client: TestClient, pack: Pack) -> None:
    data = consistent_report(pack, 5, agency="甲局")
    data["problems"] = ""
    give(client, ("a.xlsx", workbook(pack, data)))
    page = client.get(f"/reports/{rows(client.get('/').text)['甲局']['id']}").text
    between = page.partition("五、存在的主要问题")[2].partition("六、其他需要报告")[0]
    assert "（此处没有文字）" in between


@pytest.mark.parametrize("form", ["docx", "html"])
def test_a_finished_report_is_checked_and_shown_like_a_workbook(
    client: TestClient, pack: Pack, form: str
) -> None:
    report = report_from_data(with_mistake(pack, "甲局"), pack)
    content = render(report, pack) if form == "docx" else render_html(report, pack).encode()
    give(client, (f"年报.{form}", content))
    row = rows(client.get("/").text)["甲局"]
    page = client.get(f"/reports/{row['id']}").text
    assert row["status"] == "fail"
    assert re.search(r'<td class="[^"]*is-error[^"]*" data-field="requests.results.granted.total"', page)
    assert "annotated.xlsx" not in page
    same = client.post("/api/check", files=[("files", (f"年报.{form}", content))]).json()
    assert same["reports"][0]["source"]["file"] == f"年报.{form}"


def test_every_page_is_valid_html(client: TestClient, pack: Pack) -> None:
    give(
        client,
        ("a.xlsx", workbook(pack, with_mistake(pack, "甲局"), consistent_report(pack, 1))),
        ("b", b"?"),
    )
    give(client, ("b.xlsx", workbook(pack, consistent_report(pack, 2, agency="甲局"))), part="previous")
    addresses = [f"/reports/{row['id']}" for row in rows(client.get("/").text).values()]
    for address in ("/", *addresses, "/reports/none"):
        page = client.get(address).text
        html5lib.HTMLParser(strict=True).parse(page)
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        referred = re.findall(r' (?:for|aria-labelledby|aria-controls|aria-describedby)="([^"]+)"', page)
        assert {name for names in referred for name in names.split()} <= set(ids)


def test_a_blank_form_is_red_all_over_and_has_one_stop_for_each_block(client: TestClient, pack: Pack) -> None:
    give(client, ("a.xlsx", blank_form(pack, {"agency": "甲局", "year": 2023})))
    page = client.get(f"/reports/{rows(client.get('/').text)['甲局']['id']}").text
    cells = re.findall(r"<td [^>]*is-error[^>]*>", page)
    assert len(cells) == len(pack.fields.required_numbers)
    assert sum("tabindex" in cell for cell in cells) == len(pack.tables)


def test_names_and_values_cannot_become_markup(client: TestClient, pack: Pack) -> None:
    evil = '<script>alert("1")</script>'
    data = with_mistake(pack, evil)
    data["problems"] = f"公开{evil}不够"
    give(client, (f"{evil}.xlsx", workbook(pack, data)), ("<b>.txt", b"<b>"))
    listed = client.get("/").text
    (id,) = re.findall(r'data-id="(\w+)"', listed)
    assert "<script>alert" not in listed + client.get(f"/reports/{id}").text
    assert "&lt;script&gt;" in listed


def test_a_file_that_cannot_be_read_is_named_with_its_reason_and_can_be_removed(client: TestClient) -> None:
    give(client, ("坏文件.xlsx", b"PK\x03\x04 not a workbook"))
    page = client.get("/").text
    assert "1个文件未能读取" in page
    assert re.search("坏文件.xlsx：?.*", page)
    (address,) = re.findall(r'action="(/files/\w+/remove)" data-post><button[^>]*>移除', page)[:1]
    assert client.post(address).headers["location"] == "/"
    assert "未能读取" not in client.get("/").text


def test_last_year_gives_a_column_a_table_and_findings(client: TestClient, pack: Pack) -> None:
    now, last = consistent_report(pack, 7, agency="甲局"), consistent_report(pack, 8, agency="甲局")
    last["year"] = now["year"] - 1
    give(client, ("now.xlsx", workbook(pack, now)))
    assert "与上年" not in client.get("/").text.partition("<thead>")[2].partition("</thead>")[0]
    last["requests"]["carried_out"]["total"] = now["requests"]["carried_in"]["total"] + 5
    give(client, ("去年.xlsx", workbook(pack, last)), part="previous")
    row = rows(client.get("/").text)["甲局"]
    assert (row["status"], "不一致" in row["text"]) == ("fail", True)
    page = client.get(f"/reports/{row['id']}").text
    assert "与上年比较" in page
    assert re.search(r'<th scope="row">上年结转</th><td class="number">\d+</td>', page)
    assert "去年.xlsx" in page  # the place of last year's figure, by the name that people know


def test_the_list_is_exported_as_it_is_filtered(client: TestClient, pack: Pack) -> None:
    books = [
        workbook(pack, with_mistake(pack, "=甲局")),
        workbook(pack, consistent_report(pack, 2, agency="乙局")),
    ]
    give(client, ("a.xlsx", books[0]), ("b.xlsx", books[1]))
    listed = rows(client.get("/").text)
    some = client.post("/export", data={"ids": listed["=甲局"]["id"], "format": "csv"}).content.decode(
        "utf-8-sig"
    )
    assert [line.partition(",")[0] for line in some.splitlines()] == ["单位", "'=甲局"]
    every = client.post("/export", data={"ids": "", "format": "xlsx"}).content
    overview = load_workbook(io.BytesIO(every))["总览"]
    agencies = {cell.value for row in overview.iter_rows() for cell in row}
    assert {"=甲局", "乙局"} <= agencies


def test_all_reports_that_pass_come_as_one_archive_with_the_list(client: TestClient, pack: Pack) -> None:
    give(
        client,
        ("a.xlsx", workbook(pack, with_mistake(pack, "甲局"), consistent_report(pack, 2, agency="乙局"))),
    )
    archive = zipfile.ZipFile(io.BytesIO(client.get("/all.zip").content))
    assert archive.namelist() == ["乙局2023年政府信息公开工作年度报告.docx", "检查结果.xlsx"]


def test_the_marked_workbook_has_the_faulty_cell_in_colour(client: TestClient, pack: Pack) -> None:
    give(client, ("登记表.xlsx", workbook(pack, with_mistake(pack, "甲局"))))
    (id,) = (row["id"] for row in rows(client.get("/").text).values())
    answer = client.get(f"/reports/{id}/annotated.xlsx")
    assert "%EF%BC%88%E6%A0%87%E6%B3%A8%EF%BC%89.xlsx" in answer.headers["content-disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    comments = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
    assert any("【错误】" in text for text in comments)


def test_blank_forms_can_be_had_for_an_agency_or_none(client: TestClient, pack: Pack) -> None:
    give(client, ("a.xlsx", workbook(pack, consistent_report(pack, 2, agency="乙局"))))
    (id,) = (row["id"] for row in rows(client.get("/").text).values())
    for address, name in (
        (f"/form.xlsx?for={id}", "%E4%B9%99%E5%B1%80"),
        ("/form.xlsx", ""),
        ("/register.xlsx", ""),
    ):
        answer = client.get(address)
        assert name in answer.headers["content-disposition"]
        assert load_workbook(io.BytesIO(answer.content)).worksheets


def test_a_changed_file_is_read_again_and_a_vanished_one_is_told(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "甲局.xlsx"
    path.write_bytes(workbook(pack, with_mistake(pack)))
    with Workspace(pack, LIMITS) as workspace:
        workspace.give([str(tmp_path)])
        assert workspace.refresh()
        (before,) = workspace.checked()
        assert (before.result.ok, workspace.refresh()) == (False, False)
        path.write_bytes(workbook(pack, consistent_report(pack, 3)))
        assert workspace.refresh()
        (after,) = workspace.checked()
        assert (after.result.ok, after.id) == (True, before.id)
        (tmp_path / "乙局.xlsx").write_bytes(workbook(pack, consistent_report(pack, 4, agency="乙局")))
        assert workspace.refresh()
        assert [item.report.agency for item in workspace.checked()] == ["测试区某局", "乙局"]
        path.unlink()
        assert workspace.refresh()
        assert [item.report.agency for item in workspace.checked()] == ["乙局"]


def test_nothing_is_left_when_the_workspace_closes(pack: Pack) -> None:
    with Workspace(pack, LIMITS) as workspace:
        settings = Settings((HOST,), TOKEN, limits=LIMITS)
        with TestClient(create_app(workspace, settings), base_url=f"http://{HOST}", headers=RIGHT) as client:
            give(client, ("a.xlsx", workbook(pack, consistent_report(pack, 2))))
            (kept,) = workspace.folder.iterdir()
            assert re.fullmatch(r"[0-9a-f]{24}\.xlsx", kept.name)
            (document,) = workspace.documents()
            client.post(f"/files/{document.id}/remove")
            assert list(workspace.folder.iterdir()) == []
    assert not workspace.folder.exists()


# ---- the service ----


def test_the_service_says_what_the_command_line_says(client: TestClient) -> None:
    answer = client.post("/api/check", files=[("files", ("register.xlsx", BROKEN.read_bytes()))])
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-c", code, "check", "register.xlsx", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=BROKEN.parent, timeout=120)
    assert answer.json() == json.loads(done.stdout)


def test_json_reports_are_checked_read_and_rendered(client: TestClient, pack: Pack) -> None:
    good, bad = consistent_report(pack, 2), with_mistake(pack)
    answer = client.post("/api/check", json={"reports": [good, bad]}).json()
    assert [report["status"] == "fail" for report in answer["reports"]] == [False, True]
    (finding,) = [f for f in answer["reports"][1]["findings"] if f["rule"] == "T3-ROW"]
    assert finding["where"] == {
        "file": "请求内容.json",
        "pointer": "/reports/1/requests/results/granted/total",
    }
    read = client.post("/api/read", json=good).json()["reports"][0]["data"]
    assert read["requests"] == good["requests"]
    document = client.post("/api/render", json=good)
    assert document.headers["content-type"].endswith("wordprocessingml.document")
    assert client.post("/api/render?format=html", json=good).text.startswith("<!DOCTYPE html>")
    refused = client.post("/api/render", json=bad)
    assert (refused.status_code, refused.json()["summary"]["failed"]) == (409, 1)
    allowed = client.post("/api/render?allow_errors=内部讨论稿", json=bad)
    assert "%E6%9C%AA%E9%80%9A%E8%BF%87" in allowed.headers["content-disposition"]


def test_last_year_comes_with_the_request(client: TestClient, pack: Pack) -> None:
    now, last = consistent_report(pack, 7), consistent_report(pack, 8)
    last["year"] = now["year"] - 1
    last["requests"]["carried_out"]["total"] = now["requests"]["carried_in"]["total"] + 5
    without = client.post("/api/check", json={"reports": [now]}).json()
    beside = client.post("/api/check", json={"reports": [now], "previous": [last]}).json()
    assert (without["summary"]["errors"], beside["summary"]["errors"] > 0) == (0, True)
    form = client.post("/api/form", files=[("previous", ("last.json", json.dumps(last).encode()))])
    cells = {
        str(c.value) for s in load_workbook(io.BytesIO(form.content)) for row in s.iter_rows() for c in row
    }
    assert str(last["requests"]["carried_out"]["natural_person"]) in cells


def test_errors_call_files_by_the_names_that_they_came_with(
    client: TestClient, workspace: Workspace, pack: Pack
) -> None:
    bad = ("去年.xlsx", b"PK\x03\x04 no workbook")
    report = ("本年.json", json.dumps(consistent_report(pack, 2)).encode())
    for part in ("previous", "waivers", "aliases"):
        answer = client.post("/api/check", files=[("files", report), (part, bad)])
        assert answer.status_code == 422
        assert "去年.xlsx" in answer.json()["error"]["message"]
        assert not re.search(r"[0-9a-f]{24}|/tmp", answer.text)
    give(client, ("本年.xlsx", report[1]))
    (item,) = workspace.checked()
    answer = client.get(f"/reports/{item.id}/annotated.xlsx")
    assert (answer.status_code, "本年.xlsx不是.xlsx工作簿" in answer.json()["error"]["message"]) == (
        422,
        True,
    )


@pytest.mark.parametrize(
    ("address", "request_", "status", "code"),
    [
        ("/api/check", {"data": {"pack": "cn-ogi/2021"}}, 422, "no-files"),
        ("/api/check", {"content": b"{", "headers": {"content-type": "application/json"}}, 422, "unreadable"),
        ("/api/check", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "content-type"),
        ("/api/check", {"files": [("files", ("a.xlsx", b"no"))]}, 422, "unreadable"),
        ("/api/check?pack=../../etc", {"json": {}}, 404, "pack"),
        ("/api/check?pack=/work", {"json": {}}, 404, "pack"),
        ("/api/render?format=exe", {"json": {}}, 422, "format"),
        ("/api/render?template=../x.docx", {"json": {}}, 422, "template"),
        ("/api/form?year=20x4", {}, 422, "year"),
        ("/api/nothing", {}, 404, "http"),
        ("/files", {"data": {"part": "current"}}, 400, "no-files"),
    ],
)
def test_a_request_that_cannot_be_served_is_told_why(
    client: TestClient, address: str, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post(address, **request_)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_the_description_fits_what_is_answered(client: TestClient, pack: Pack) -> None:
    described = client.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    routes = {"/api/check", "/api/render", "/api/read", "/api/form", "/api/packs"}
    assert set(described["paths"]) == routes
    for name, address in (("Check", "/api/check"), ("Read", "/api/read")):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        answer = client.post(address, files=[("files", ("register.xlsx", BROKEN.read_bytes()))]).json()
        Draft202012Validator(schema).validate(answer)
    error = {"$ref": "#/components/schemas/Error", "components": described["components"]}
    Draft202012Validator(error).validate(client.post("/api/check", json=[]).json())
    (first, *_) = client.get("/api/packs").json()["packs"]
    assert (first["id"], first["default"]) == (pack.id, True)


# ---- who may ask, and how much ----


def test_the_token_of_the_address_becomes_a_cookie_that_scripts_cannot_read(bare: TestClient) -> None:
    answer = bare.get(f"/?token={TOKEN}&x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?x=1")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("nianbao-8000=", "HttpOnly", "SameSite=strict"))
    assert bare.get("/").status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "headers", "status", "code"),
    [
        ("GET", "/", {"host": "evil.example"}, 421, "host"),
        ("GET", "/", {"host": "127.0.0.1"}, 421, "host"),
        ("GET", "/static/x", {"host": "evil.example:8000"}, 421, "host"),
        ("POST", "/files", {**RIGHT, "origin": "http://evil.example"}, 403, "origin"),
        ("POST", "/api/check", {**RIGHT, "origin": "null"}, 403, "origin"),
        ("GET", "/api/packs", {**RIGHT, "origin": "http://127.0.0.1:9999"}, 403, "origin"),
        (
            "GET",
            "/all.zip",
            {**RIGHT, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
            403,
            "origin",
        ),
        ("POST", "/clear", {"cookie": f"nianbao-8000={TOKEN}"}, 403, "origin"),
        ("GET", "/api/packs", {}, 401, "token"),
        ("POST", "/api/check", {"authorization": "Bearer wrong"}, 401, "token"),
        ("GET", "/api/packs", {"authorization": f"Basic {TOKEN}"}, 401, "token"),
        ("GET", "/api/packs?token=wrong", RIGHT, 401, "token"),
        ("GET", "/api/packs", {"cookie": "nianbao-8000=wrong"}, 401, "token"),
    ],
)
def test_strangers_are_refused(
    bare: TestClient, method: str, address: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = bare.request(method, address, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_server_opened_to_others_answers_to_its_address_and_the_names_of_its_proxy(
    workspace: Workspace,
) -> None:
    hosts = addresses("192.0.2.7", 8000, ("NB.example.cn",))
    assert hosts == ("192.0.2.7:8000", "nb.example.cn", "nb.example.cn:8000")
    assert addresses("::1", 80) == ("[::1]:80",)
    settings = Settings(hosts, TOKEN, limits=LIMITS)
    with TestClient(
        create_app(workspace, settings), base_url="http://192.0.2.7:8000", headers=RIGHT
    ) as client:
        proxied = {"host": "nb.example.cn", "origin": "https://nb.example.cn"}
        assert client.post("/clear", headers=proxied, follow_redirects=False).status_code == 303
        assert client.get("/", headers={"host": "127.0.0.1:8000"}).status_code == 421
        assert "只在这台电脑上运行" not in client.get("/").text


def test_a_page_without_a_token_says_how_to_open_it(bare: TestClient) -> None:
    answer = bare.get("/")
    assert (answer.status_code, "token=" in answer.text) == (401, True)


@pytest.mark.parametrize(
    "address",
    [
        "/..%2f..%2fetc%2fpasswd",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/looks/..%2f..%2fapp.css",
        "/reports/..%2f..%2fetc%2fpasswd",
        "/reports/%00",
    ],
)
def test_no_path_of_a_request_reaches_the_disk(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "name", ["../../evil.xlsx", "..\\..\\evil.xlsx", "/etc/cron.d/evil", "evil\x00.xlsx", "..", "."]
)
def test_the_name_of_an_upload_is_only_shown(
    client: TestClient, workspace: Workspace, pack: Pack, name: str
) -> None:
    give(client, (name, workbook(pack, consistent_report(pack, 2))))
    (kept,) = workspace.folder.iterdir()
    assert re.fullmatch(r"[0-9a-f]{24}(\.xlsx)?", kept.name)
    (document,) = workspace.documents()
    assert not set("/\\\x00") & set(document.file.name)


def bomb(size: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * size)
    return stream.getvalue()


@pytest.mark.parametrize("address", ["/files", "/api/check", "/api/render", "/api/read"])
def test_too_much_is_refused_and_nothing_of_it_stays(
    client: TestClient, workspace: Workspace, address: str
) -> None:
    large = client.post(address, files=[("files", ("a.xlsx", b"\0" * (LIMITS.request + 1)))])
    many = client.post(address, files=[("files", (f"{n}.csv", b"a")) for n in range(LIMITS.files + 1)])
    more = client.post(address, files=[("files", (f"{n}.csv", b"a")) for n in range(LIMITS.files + 9)])
    inflated = client.post(address, files=[("files", ("a.xlsx", bomb(LIMITS.inflated + 1)))])
    for answer, code in (
        (large, "too-large"),
        (many, "too-many"),
        (more, "too-many"),
        (inflated, "inflated"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, code)
    assert list(workspace.folder.iterdir()) == []


def test_an_archive_that_lies_about_its_size_is_not_unpacked(
    client: TestClient, workspace: Workspace
) -> None:
    content = bytearray(bomb(LIMITS.inflated * 4))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.rfind(mark)
        struct.pack_into("<I", content, place + offset, 1000)
    answer = give(client, ("a.xlsx", bytes(content)))
    assert answer.status_code == 200
    (document,) = workspace.documents()
    assert document.problem


def test_more_reports_on_the_disk_than_the_page_holds_are_left_out_with_a_word(
    pack: Pack, tmp_path: Path
) -> None:
    for name, count in (("a", 2), ("b", LIMITS.reports)):
        data = [consistent_report(pack, 2, agency=f"第{n}局") for n in range(count)]
        (tmp_path / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    with Workspace(pack, LIMITS) as workspace:
        workspace.give([str(tmp_path)])
        assert (workspace.refresh(), workspace.refresh()) == (True, False)
        assert [len(document.reports) for document in workspace.documents()] == [2, 0]
        assert "b.json没有读入：报告超过60份" in workspace.documents()[1].problem


def test_two_reports_of_one_agency_and_agencies_that_are_missing_are_told(
    client: TestClient, pack: Pack
) -> None:
    now = consistent_report(pack, 7, agency="甲局")
    last = [{**consistent_report(pack, 8, agency=name), "year": now["year"] - 1} for name in ("甲局", "丙局")]
    give(client, ("a.json", json.dumps(now).encode()), ("b.json", json.dumps(now).encode()))
    give(client, ("last.json", json.dumps(last).encode()), part="previous")
    told = client.get("/").text.partition('aria-label="说明"')[2].partition("</section>")[0]
    assert "甲局2023年（a.json、b.json）" in told
    assert "丙局" in told


def test_more_reports_than_the_page_holds_are_refused(
    client: TestClient, workspace: Workspace, pack: Pack
) -> None:
    data = [consistent_report(pack, 2, agency=f"第{n}局") for n in range(LIMITS.reports + 1)]
    answer = give(client, ("a.json", json.dumps(data).encode()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-many")
    assert list(workspace.folder.iterdir()) == []


def test_every_answer_bears_the_headers_and_no_page_has_script_or_style_inside(
    client: TestClient, pack: Pack
) -> None:
    give(client, ("a.xlsx", workbook(pack, with_mistake(pack))))
    (id,) = (row["id"] for row in rows(client.get("/").text).values())
    pages = [
        client.get(address) for address in ("/", f"/reports/{id}", "/reports/none", "/nothing", "/?token=x")
    ]
    for answer in pages:
        assert HEADERS.items() <= dict(answer.headers).items()
        assert not re.search(r"<style|<script(?! src=)| style=| on\w+=|javascript:", answer.text)
        assert not re.search(r'(src|href)="(https?:)?//', answer.text)
    assert "unsafe" not in HEADERS["content-security-policy"]


# ---- a real server ----


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server as a user starts it: its address and its token."""
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "preview", "--no-open", str(EXAMPLES / "forms")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", line)
    assert found, line
    yield found[1], found[2]
    process.terminate()
    process.communicate(timeout=60)


def test_a_server_as_a_user_starts_it_listens_here_only_and_tells_of_changes(
    served: tuple[str, str],
) -> None:
    address, token = served
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        while "正在读取和核对" in client.get("/").text:
            time.sleep(0.05)
        assert client.get("/").text.count("<tr data-id=") == 5
        assert len(token) >= 32
        with client.stream("GET", "/events") as events:
            lines = events.iter_lines()
            first = next(lines)
            threading.Thread(
                target=client.post,
                args=("/files",),
                kwargs={"files": [("files", ("b.xlsx", BROKEN.read_bytes()))]},
            ).start()
            seen = [line for line in (next(lines) for _ in range(3)) if line.startswith("data")]
        assert (first.startswith("data: "), len(seen)) == (True, 1)
        assert seen[0] != first
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"GET /../../etc/passwd HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert b" 401 " in raw.recv(200)
    own = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert f"0100007F:{int(port):04X}" in own
    assert f"00000000:{int(port):04X}" not in own


def test_a_long_check_holds_up_nobody(served: tuple[str, str]) -> None:
    address, token = served
    headers = {"authorization": f"Bearer {token}"}
    files = [("files", (f"{n}.xlsx", BROKEN.read_bytes())) for n in range(4)]
    answers = []

    def check() -> None:
        answers.append(httpx.post(f"{address}/api/check", files=files, headers=headers, timeout=120))

    long = threading.Thread(target=check)
    long.start()
    meanwhile = 0
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        while long.is_alive():
            meanwhile += client.get("/api/openapi.json").status_code == 200
    assert answers[0].json()["summary"]["reports"] > 100
    assert meanwhile > 5


def test_eight_clients_at_once_get_what_each_gets_alone(served: tuple[str, str], pack: Pack) -> None:
    address, token = served
    data = [consistent_report(pack, n, agency=f"第{n}局") for n in range(16)]
    for number, item in enumerate(data):
        item["requests"]["results"]["partial"]["total"] += number % 3
    jobs = [("check", n) for n in range(16)] + [("render?format=html&allow_errors=试", n) for n in range(16)]

    def ask(job: tuple[str, int]) -> bytes:
        name, number = job
        answer = client.post(f"/api/{name}", json=data[number])
        assert answer.status_code == 200
        return answer.content

    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client, ThreadPoolExecutor(8) as pool:
        alone = [ask(job) for job in jobs]
        assert list(pool.map(ask, jobs)) == alone
    assert len(set(alone)) == len(jobs)


def test_requests_that_break_off_or_make_no_sense_leave_no_trace(tmp_path: Path) -> None:
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "preview", "--no-open"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "NIANBAO_TOKEN": TOKEN * 2}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split("//")[1].split("/")[0]
        head = f"HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN * 2}\r\n"
        form = "Content-Type: multipart/form-data; boundary=x\r\n"
        file = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.xlsx"\r\n\r\nabc'
        host, port = address.split(":")
        for path in ("/api/check", "/files"):
            rude = (
                (f"POST {path} {head}{form}Content-Length: 9999\r\n\r\n{file}", b""),
                (f"POST {path} {head}{form}Content-Length: 6\r\n\r\n--y\r\na", b"400"),
                (f"POST {path} {head}{form}Content-Length: -5\r\n\r\n", b"400"),
                (
                    f"POST {path} {head}Content-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\na",
                    b"400",
                ),
                (f"POST {path} {head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n[", b""),
                (f"GET /reports/%ff%fe {head}\r\n", b"404"),
            )
            for text, status in rude:
                with socket.create_connection((host, int(port))) as raw:
                    raw.sendall(text.encode())
                    if status:
                        assert raw.recv(12) == b"HTTP/1.1 " + status
        with httpx.Client(headers={"authorization": f"Bearer {TOKEN * 2}"}, timeout=60) as client:
            assert client.get(f"http://{address}/").status_code == 200
        # The server may hear of the last of them after it has answered.
        deadline = time.monotonic() + 60
        while any(path.is_file() for path in tmp_path.rglob("*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.terminate()
        assert process.communicate(timeout=60)[1] == ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "name",
    [
        "SIGTERM",
        pytest.param("SIGINT", marks=pytest.mark.slow),
        pytest.param("SIGHUP", marks=pytest.mark.slow),
    ],
)
def test_whatever_ends_the_program_it_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "preview", "--no-open"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "NIANBAO_TOKEN": TOKEN * 2}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split("打开：")[1].split("?")[0]
        headers = {"authorization": f"Bearer {TOKEN * 2}"}
        with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
            client.post("/files", files=[("files", ("b.xlsx", BROKEN.read_bytes()))])
            assert len(list(tmp_path.glob("nianbao-web-*/*.xlsx"))) == 1
            with client.stream("GET", "/events") as events:
                lines = events.iter_lines()
                assert next(lines) == "data: 1"
                process.send_signal(getattr(signal, name))
                assert set(lines) <= {""}
        process.wait(60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, list(tmp_path.iterdir())) == (0, [])


def test_a_body_without_a_length_is_cut_off_at_the_limit(pack: Pack) -> None:
    import asyncio

    from nianbao.web.security import BodyLimit

    async def reads_all(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"\0" * 1000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(BodyLimit(reads_all, 5000)({"type": "http", "headers": []}, receive, send))
    assert sent[0]["status"] == 413


@pytest.mark.parametrize(
    ("inputs", "agency", "host", "words"),
    [
        ([], None, "0.0.0.0", "--host 要写别人访问本机所用的地址"),
        ([str(EXAMPLES / "forms")], "没有的局", "127.0.0.1", "输入中没有“没有的局”的报告"),
        ([], None, "203.0.113.1", "请换一个 --port"),
    ],
)
def test_a_start_that_cannot_be_is_told_in_one_sentence(
    pack: Pack, inputs: list[str], agency: str | None, host: str, words: str
) -> None:
    with pytest.raises(NianbaoError) as told:
        run_preview(inputs, ([], None, []), agency, Address(host, 0, (), False), pack)
    assert words in told.value.message


@pytest.mark.parametrize("token", ["short", "long-enough-but-with;a-semicolon", "够长但是有汉字" * 4])
def test_a_token_of_ones_own_must_be_long_and_plain(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(OWN_TOKEN, token)
    with pytest.raises(NianbaoError, match="不能作访问口令"):
        run_preview([], ([], None, []), None, Address("127.0.0.1", 0, (), False), pack)


def test_without_the_extra_the_command_says_how_to_install_it(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "nianbao.web.serve", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(NianbaoError) as told:
        run_preview([], ([], None, []), None, Address("127.0.0.1", 0, (), False), pack)
    assert told.value.message.endswith("请运行 pip install 'nianbao[web]' 后再试")
