"""The documents: every command in them runs, every link leads somewhere, every command is documented."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import Workbook

import commands
from conftest import ROOT

READMES = ("README.md", "README.zh-CN.md")
PAGES = (*READMES, "CHANGELOG.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands_of(page: str) -> list[str]:
    lines = [line.split(" # ")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    # The page serves until it is stopped: its own tests start it.
    return [line for line in lines if line.startswith("nianbao ") and "nianbao preview" not in line]


def run(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return commands.run(*shlex.split(line)[1:], cwd=cwd)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A folder with what the commands of the README take for granted."""
    book = Workbook()
    assert book.active is not None
    for row in (["单位名称", "类别"], ["甲局", "部门"], ["乙街道办事处", "街道"]):
        book.active.append(row)
    book.save(tmp_path / "roster.xlsx")
    run("nianbao pack new schemas/my-report/2024", tmp_path)
    run(f"nianbao read {ROOT}/examples/cn-ogi/2021/reports.json -o register.xlsx", tmp_path)
    run(f"nianbao read {ROOT}/examples/cn-ogi/2021/previous.json -o last-year.xlsx", tmp_path)
    shutil.copytree(ROOT / "examples/cn-ogi/2021/rollup/reports", tmp_path / "district")
    return tmp_path


def test_the_commands_of_the_readme_run_one_after_another(office: Path) -> None:
    # The other README shows the same ones.
    found = commands_of(READMES[0])
    assert len(found) >= 9
    for line in found:
        done = run(line, office)
        command = line.split()[1]
        # Blank forms have errors, two years differ; nothing else may go wrong.
        expected = int((" forms/" in line and command != "form") or command == "diff")
        assert done.returncode in (0, expected), (line, done.stdout, done.stderr)


@pytest.mark.parametrize("page", READMES)
def test_the_program_of_the_readme_runs(page: str) -> None:
    (program,) = blocks(page, "python")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_both_readmes_show_the_same_commands() -> None:
    assert commands_of(READMES[0]) == commands_of(READMES[1])


def test_every_command_and_its_options_are_in_the_help_and_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in (
        "build",
        "check",
        "form",
        "read",
        "diff",
        "chart",
        "collect",
        "rollup",
        "preview",
        "pack lint",
        "pack new",
    ):
        assert f"nianbao {command}" in text


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_that_are_there(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_architecture_page_is_short() -> None:
    assert len((ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()) < 200


def test_the_counts_of_the_readme_are_those_of_the_pack() -> None:
    from nianbao.pack import load_pack

    rules = load_pack().rules
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{len(rules.instances)} arithmetic assertions and {len(rules.checks)} checks" in text
    assert f"{len(rules.instances)}个算式、{len(rules.checks)}项" in (ROOT / READMES[1]).read_text(
        encoding="utf-8"
    )


def test_the_commands_of_the_page_on_last_year_run(office: Path) -> None:
    (line,) = commands_of("docs/previous.md")
    assert run(line, office).returncode == 0


def test_the_commands_of_the_page_on_collecting_run(tmp_path: Path) -> None:
    folder = tmp_path / "collect"
    shutil.copytree(ROOT / "examples" / "cn-ogi" / "2021" / "collect", folder)
    found = commands_of("docs/collect.md")
    # Some agencies are late or wrong: that is what the example is for.
    for line, status in zip(found, (1, 1, 0), strict=True):
        done = run(line, folder)
        assert (done.returncode, done.stderr) == (status, ""), line
    assert (folder / "通知").is_dir()
    assert (folder / "汇总" / "清河区2023年（缺文字，仅为草稿）.docx").is_file()
