"""Old office formats through LibreOffice, where it is installed: .doc, .wps and .et become .docx and .xlsx.

It runs with a profile of its own: no macros, no linked files, nothing of the user's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nianbao.groups import end_group, start_group
from nianbao.readers.trouble import trouble

_MOST_SECONDS = 90
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop></item>
</oor:items>
"""  # noqa: E501 - one setting a line


def find_office() -> str | None:
    """Return the program of LibreOffice, or None."""
    return shutil.which("soffice") or shutil.which("libreoffice")


@contextmanager
def converted(path: Path, suffix: str, otherwise: Exception) -> Iterator[Path]:
    """Give the path of a copy of a file in another format, gone afterwards.

    Raises `otherwise` where there is no LibreOffice, InputError where it cannot open the file.
    """
    office = find_office()
    if office is None:
        raise otherwise
    with tempfile.TemporaryDirectory(prefix="nianbao-") as folder:
        profile = Path(folder) / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
        # Any name that the file has is harmless this way.
        source = Path(folder) / f"input{path.suffix.lower()}"
        shutil.copyfile(path, source)
        command = [office, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
        command += ["--convert-to", suffix.lstrip("."), "--outdir", str(Path(folder) / "out"), str(source)]
        proxies = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
        process = start_group(command, env={**os.environ, **proxies})
        try:
            process.wait(_MOST_SECONDS)
        except subprocess.TimeoutExpired:
            raise trouble(path, "LibreOffice没有在规定时间内打开这个文件，请用Word或WPS另存后再试") from None
        finally:
            end_group(process)
        result = Path(folder) / "out" / f"input{suffix}"
        if not result.exists():
            raise trouble(path, "LibreOffice打不开这个文件，请用Word或WPS打开，另存后再试")
        yield result
