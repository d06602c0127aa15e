"""Commands run in this process: a process of its own for each would take most of the time."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from nianbao.cli import main


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `nianbao` with arguments as a shell would; an error that it lets through is one of the test."""
    out, err = io.StringIO(), io.StringIO()
    words = ["nianbao", *map(str, arguments)]
    with (
        contextlib.chdir(cwd or Path.cwd()),
        mock.patch.object(sys, "argv", words),
        mock.patch.dict(os.environ, NO_COLOR="1"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = _status()
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def _status() -> int:
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    raise AssertionError("a command leaves with a status")
