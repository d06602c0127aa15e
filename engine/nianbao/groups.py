"""Programs that start others, such as LibreOffice's launcher: begun as a group, ended as one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

_LOOK, _MOST_LOOKS = 0.01, 100


def start_group(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Return a program that runs in a group of its own, without input and output; `options` are of Popen."""
    nothing = subprocess.DEVNULL
    return subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, **options
    )


def end_group(program: subprocess.Popen[bytes]) -> None:
    """End a program of `start_group` and all that it has started; none of them is left when this returns."""
    if not hasattr(os, "killpg"):
        command = ["taskkill", "/F", "/T", "/PID", str(program.pid)]
        subprocess.run(command, capture_output=True, check=False)
        program.wait()
        return
    with suppress(ProcessLookupError, PermissionError):
        # The launcher may be gone while what it launched, of the same group, is not.
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        # Where nobody takes note of their end (a container without an init) they count as there for ever.
        for _ in range(_MOST_LOOKS):
            os.killpg(program.pid, 0)
            time.sleep(_LOOK)
    program.wait()
