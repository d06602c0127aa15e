"""The wheel: it holds the packs and works from any folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import EXAMPLES, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel unpacked as an installation would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        package.extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_the_wheel_works_from_any_folder(site: Path, tmp_path: Path) -> None:
    arguments = ["build", str(EXAMPLES / "register.xlsx"), "-o", "out"]
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import nianbao; from nianbao.cli import main;"
        f"assert nianbao.__file__.startswith({str(site)!r}); sys.argv[1:] = {arguments!r}; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "out").glob("*.docx"))) == 5


@pytest.mark.slow
def test_the_wheel_holds_the_packs_and_the_type_marker(site: Path) -> None:
    for name in (
        "py.typed",
        "outputs/comparison/pages/diff.html",
        "outputs/comparison/pages/style.css",
        "_packs/schemas/cn-ogi/2021/pack.toml",
        "_packs/templates/cn-ogi/2021/report.docx",
        "web/templates/list.html",
        "web/static/app.css",
        "web/static/app.js",
    ):
        assert (site / "nianbao" / name).is_file()
