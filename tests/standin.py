"""A program that stands in for LibreOffice, to see what becomes of files that make it fail."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import pypdfium2
import pytest

from nianbao.outputs.pdf import office

_PATIENCE = 60.0  # seconds, for a machine that has other things to do

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
        with open({busy!r}, "a") as busy:
            busy.write(f"{{os.getpid()}} {{child.pid}}\\n")
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
    """Put the stand-in before LibreOffice; return the folder of what it writes and its page."""
    (tmp_path / "page.pdf").write_bytes(pdf_of_a_page())
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    names = {name: str(tmp_path / name) for name in ("log", "busy")}
    program.write_text(STAND_IN.format(python=sys.executable, pdf=str(tmp_path / "page.pdf"), **names))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(office, "_START", _PATIENCE)
    return tmp_path


class Clock:
    """A clock that stands still unless the stand-in hangs: then each look at it is a minute later."""

    def __init__(self, folder: Path) -> None:
        self.now, self._busy = 0.0, folder / "busy"

    def monotonic(self) -> float:
        hanging = self._busy.read_text().split() if self._busy.exists() else []
        if len(hanging) >= 2 and is_alive(int(hanging[-2])):
            self.now += _PATIENCE
        return self.now


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has waited for yet is dead too."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
