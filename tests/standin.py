"""A program that stands in for LibreOffice, to see what becomes of files that make it fail."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pypdfium2
import pytest

from nianbao.outputs.pdf import office

# Does what LibreOffice does as far as the pool can see: a PDF for each file, in order; some files it cannot
# read, one kills it, one keeps it busy for ever together with a child process.
STAND_IN = """#!{python}
import os, pathlib, subprocess, sys, time
files = [pathlib.Path(a) for a in sys.argv if a.endswith(".docx")]
out = pathlib.Path(sys.argv[sys.argv.index("--outdir") + 1])
with open({log!r}, "a") as log:
    log.write(f"{{len(files)}}\\n")
for file in files:
    content = file.read_bytes()
    if content == b"bad":
        continue
    if content == b"dies":
        os.abort()
    if content == b"hangs":
        child = subprocess.Popen(["sleep", "600"])
        pathlib.Path({child!r}).write_text(str(child.pid))
        time.sleep(600)
    (out / f"{{file.stem}}.pdf").write_bytes(pathlib.Path({pdf!r}).read_bytes())
"""


def pdf_of_a_page() -> bytes:
    document = pypdfium2.PdfDocument.new()
    document.new_page(100, 100)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in before LibreOffice; return the folder of its log, its page and its child's number."""
    (tmp_path / "page.pdf").write_bytes(pdf_of_a_page())
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    names = {name: str(tmp_path / name) for name in ("log", "child")}
    program.write_text(STAND_IN.format(python=sys.executable, pdf=str(tmp_path / "page.pdf"), **names))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(office, "_START", 1.0)
    return tmp_path
