"""The page about the HTTP service: every command in it runs and answers what the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook

from conftest import EXAMPLES, ROOT
from nianbao.web.settings import MEGABYTE, Limits

PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
TOKEN = "please-take-a-random-one"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the commands take for granted."""
    folder = tmp_path_factory.mktemp("office")
    for name in ("register.xlsx", "reports.json", "previous.xlsx"):
        shutil.copy(EXAMPLES / name, folder)
    (report, *_) = json.loads((EXAMPLES / "reports.json").read_text(encoding="utf-8"))
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(office: Path) -> Iterator[str]:
    """The address of a server that was started as the page says, on a free port."""
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "preview", "--no-open", "--port", "0"]
    environment = {**os.environ, "NIANBAO_TOKEN": TOKEN}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=office, env=environment)
    assert process.stdout is not None
    found = re.search(r"http://([\d.]+:\d+)/", process.stdout.readline())
    assert found
    yield found[1]
    process.terminate()
    process.communicate(timeout=60)


def test_every_command_of_the_page_runs(office: Path, address: str) -> None:
    answers = []
    assert len(commands()) >= 12
    for line in commands():
        done = subprocess.run(
            [
                "bash",
                "-c",
                line.replace("127.0.0.1:8765", address).replace("curl ", "curl --fail-with-body ", 1),
            ],
            capture_output=True,
            text=True,
            cwd=office,
            timeout=120,
            env={**os.environ, "NIANBAO_TOKEN": TOKEN},
        )
        assert done.returncode == 0, (line, done.stdout[:500], done.stderr)
        answers.append(json.loads(done.stdout) if " -o " not in line else None)
    checked = [answer for answer in answers if answer and "summary" in answer]
    assert [answer["summary"]["reports"] for answer in checked] == [5, 5, 5]
    read = next(answer for answer in answers if answer and "data" in answer.get("reports", [{}])[0])
    assert [report["agency"] for report in read["reports"]] == [r["agency"] for r in checked[0]["reports"]]
    assert len(Document(str(office / "report.docx")).tables) >= 3
    assert "<table" in (office / "report.html").read_text(encoding="utf-8")
    assert len(zipfile.ZipFile(office / "reports.zip").namelist()) == 5
    for name in ("blank.xlsx", "form.xlsx", "next.xlsx"):
        assert load_workbook(office / name).worksheets


def test_the_page_names_every_endpoint_and_every_refusal() -> None:
    described = set(re.findall(r"/api/([\w.]+)", PAGE))
    assert described == {"check", "render", "read", "form", "packs", "openapi.json"}
    sources = "".join(p.read_text("utf-8") for p in (ROOT / "engine/nianbao/web").glob("*.py"))
    codes = set(re.findall(r'(?:Refused|refusal)\(\s*4\d\d,\s*"([\w-]+)"', sources))
    only_pages = {"fails", "gone", "nothing", "page"}
    assert codes - set(re.findall(r"`([\w-]+)`", PAGE)) == only_pages


def test_the_limits_of_the_page_are_those_of_the_server() -> None:
    limits = Limits()
    assert f"more than {limits.request // MEGABYTE} MB or {limits.files} files" in PAGE
    assert f"unpacks to more than {limits.inflated // MEGABYTE} MB" in PAGE
