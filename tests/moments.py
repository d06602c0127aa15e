"""Runs `nianbao build` again and again, each time ended at the next moment at which it changes its folder.

``python moments.py FOLDER SIGNAL ARGUMENT…``: the n-th child, forked from a process that has loaded everything, works
in a copy of FOLDER, called FOLDER-n, and gets SIGNAL just before its n-th change: a file opened for writing, written, synced,
renamed or removed, a folder made. FOLDER among the arguments stands for the copy. Prints, a line each, how the children
ended; the last is the one that came to its end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PATCHED = ("fsync", "fdatasync", "write", "writev", "pwrite", "sendfile", "copy_file_range")


def strike(at: int, number: int, folder: str) -> None:
    """Send this process a signal at its `at`-th change of `folder`."""
    count = 0

    def change() -> None:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), number)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and os.fsdecode(path).startswith(folder) and flags & _WRITING:
                change()
        elif event in _CHANGES and os.fsdecode(arguments[0]).startswith(folder):
            change()

    def counted(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            if os.readlink(f"/proc/self/fd/{arguments[0]}").startswith(folder):
                change()
            return function(*arguments)

        return call

    for name in _PATCHED:
        setattr(os, name, counted(getattr(os, name)))
    sys.addaudithook(hook)


def main() -> None:
    """Fork a child for each moment, until one comes to its end."""
    folder, number, *arguments = sys.argv[1:]
    from nianbao import build, load_pack  # loaded before the forks: each child begins at once
    from nianbao.cli import app, building, main  # noqa: F401
    from nianbao.outputs.results import summary  # noqa: F401

    build([a for a in arguments if a.endswith(".json")], Path(folder).with_name("warm"), load_pack())
    at = 0
    while True:
        at += 1
        copy = f"{folder}-{at}"
        if Path(folder).exists():
            shutil.copytree(folder, copy)
        child = os.fork()
        if not child:
            sys.argv[1:] = [a.replace(folder, copy) for a in arguments]
            strike(at, getattr(signal, number), copy)
            main()
            os._exit(99)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(at, code, flush=True)
        if code in (0, 1, 2, 99):
            return


if __name__ == "__main__":
    main()
