"""LibreOffice, started once for many files: a profile of its own, limits, an end that is an end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from nianbao.errors import OutputError
from nianbao.groups import end_group, start_group

_PLACES = (
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    r"C:\Program Files\LibreOffice\program\soffice.exe",
    r"C:\Program Files (x86)\LibreOffice\program\soffice.exe",
)
_MISSING = (
    "生成PDF要用LibreOffice，本机没有：Debian、Ubuntu、统信、麒麟请运行 sudo apt install libreoffice-writer，"
    "Windows、macOS请从 https://zh-cn.libreoffice.org 下载安装；或者只生成docx、html"
)
# Tagged, so that a screen reader finds headings and tables.
_FILTER = 'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'
_POLL = 0.05
_START = 60.0  # seconds that a first start on a slow disk may take on top
_TAIL = 1024

# No macro runs, no link is followed or updated, nothing is asked, offered, recovered or reported; what would
# still be fetched goes to a proxy that does not exist.
_SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "DisablePythonRuntime", "true"),
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Office.Common/Misc", "CrashReport", "false"),
    ("Office.Common/Misc", "CollectUsageInformation", "false"),
    ("Office.Common/Java/VirtualMachine", "EnableJava", "false"),
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Calc/Content/Update", "Link", "1"),
    ("Office.Recovery/RecoveryInfo", "Enabled", "false"),
    ("Office.Recovery/AutoSave", "Enabled", "false"),
    ("Setup/Office", "ooSetupInstCompleted", "true"),
    ("Setup/Product", "ooSetupLastVersion", "99.0"),
    ("Inet/Settings", "ooInetProxyType", "2"),
    ("Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPSProxyPort", "9"),
    ("Inet/Settings", "ooInetNoProxy", ""),
)


def find_office() -> str:
    """Return the program; raises OutputError that says how to install it."""
    for name in ("soffice", "libreoffice", *_PLACES):
        if found := shutil.which(name):
            return found
    raise OutputError(_MISSING)


def write_profile(folder: Path) -> None:
    """Write the settings of a new profile into `folder`."""
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>\n"
        for path, name, value in _SETTINGS
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n{items}</oor:items>\n'
    )
    (folder / "user").mkdir(parents=True)
    (folder / "user" / "registrymodifications.xcu").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """What one start came to: the files that were made, and why it ended early, if it did."""

    made: Mapping[Path, Path]
    stopped: str = ""


def convert_files(
    office: str, profile: Path, files: Sequence[Path], out: Path, timeout: float, stop: Event
) -> Run:
    """Return the PDFs that one start makes of `files` in the folder `out`; `stop` ends it at once.

    A file may take `timeout` seconds, the first some more for the start. Whatever happens, no process of it
    is left when this returns.
    """
    command = [office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo"]
    # Only as a Word file: what is none must fail, not be printed as text.
    command += ["--nodefault", "--nolockcheck", "--nofirststartwizard", "--infilter=MS Word 2007 XML"]
    command += ["--convert-to", _FILTER, "--outdir", str(out), *map(str, files)]
    process = start_group(command, cwd=out, env=_environment(out))
    targets = [out / f"{file.stem}.pdf" for file in files]
    try:
        stopped = _watch(process, targets, timeout, stop)
    finally:
        end_group(process)
    return Run({f: t for f, t in zip(files, targets, strict=True) if _whole(t)}, stopped)


def _environment(temporary: Path) -> dict[str, str]:
    proxies = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https", "ftp")}
    # What a killed office leaves is removed with the folder.
    return {**os.environ, **proxies, "no_proxy": "", "TMPDIR": str(temporary), "SAL_USE_VCLPLUGIN": "svp"}


def _watch(process: subprocess.Popen[bytes], targets: Sequence[Path], timeout: float, stop: Event) -> str:
    """Return why the process ended early, or nothing; it is running still if it took too long."""
    done, since = 0, time.monotonic() + _START
    while process.poll() is None:
        fresh = next((n for n in range(done, len(targets)) if targets[n].exists()), None)
        if fresh is not None:
            done, since = fresh + 1, time.monotonic()
        elif time.monotonic() - since > timeout:
            return f"{timeout:.0f}秒内没有转换完"
        if stop.wait(_POLL):
            return "已中断"
    return f"LibreOffice异常退出（{process.returncode}）" if process.returncode else ""


def _whole(path: Path) -> bool:
    """Return whether a PDF was written to its end."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL))
            return b"%%EOF" in stream.read()
    except OSError:
        return False
