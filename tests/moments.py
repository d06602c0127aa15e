"""Runs `nianbao` again and again, each time disturbed at the next moment at which it changes its folder.

``python moments.py FOLDER DISTURBANCE ARGUMENT…``: the n-th child is forked from a process that has loaded
everything, and works in a copy of FOLDER called FOLDER-n, which is what FOLDER among the arguments means.
Just before its n-th change (a file is opened for writing, synced, renamed or removed, a folder is made) it
gets a signal (SIGKILL, SIGINT), or the change and those after it fail with an error (EIO, ENOSPC). Writes
``n status`` a line to standard output; what the child said stands in FOLDER-n.err. The last child came to
its end undisturbed.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHANGES = {"os.rename", "os.mkdir", "os.truncate", "os.link"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_SYNCING = ("fsync", "fdatasync", "write", "writev")


def disturb(at: int, disturbance: str, folder: str) -> Callable[[], bool]:
    """Disturb this process at its `at`-th change of `folder`; return whether that has happened."""
    count = 0

    def change() -> None:
        nonlocal count
        count += 1
        if disturbance.startswith("SIG"):
            if count == at:
                os.kill(os.getpid(), getattr(signal, disturbance))
        elif count >= at:
            number = getattr(errno, disturbance)
            raise OSError(number, os.strerror(number))

    def is_change(event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            return isinstance(arguments[0], str | bytes) and bool(arguments[2] & _WRITING)
        # What is full or broken can still be tidied up.
        return event in _CHANGES or (event == "os.remove" and disturbance.startswith("SIG"))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if is_change(event, arguments) and os.fsdecode(arguments[0]).startswith(folder):
            change()

    def counted(function: Any) -> Any:
        def call(number: int, *arguments: Any) -> Any:
            if os.readlink(f"/proc/self/fd/{number}").startswith(folder):
                change()
            return function(number, *arguments)

        return call

    for name in _SYNCING:
        setattr(os, name, counted(getattr(os, name)))
    sys.addaudithook(hook)
    return lambda: count >= at


def child(at: int, folder: str, copy: str, disturbance: str, arguments: list[str]) -> None:
    """Run the command line in a copy of a folder; leaves with its status, or 77 if nothing was disturbed."""
    from nianbao.cli import main

    said = os.open(f"{copy}.err", os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv[1:] = [argument.replace(folder, copy) for argument in arguments]
    happened = disturb(at, disturbance, f"{copy}")
    try:
        main()
    except SystemExit as error:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(error.code or 0) if happened() else 77)


def main() -> None:
    """Fork a child for each moment, until one comes to its end."""
    folder, disturbance, *arguments = sys.argv[1:]
    import nianbao

    # What is loaded and compiled before the forks need not be loaded in each child.
    pack = nianbao.load_pack()
    nianbao.pack.load_pack = lambda *_: pack
    for argument in arguments:
        if argument.endswith(".json"):
            nianbao.build([argument], f"{folder}-warm", pack)
    at = status = 0
    while status != 77:
        at += 1
        copy = f"{folder}-{at}"
        if Path(folder).exists():
            shutil.copytree(folder, copy)
        process = os.fork()
        if not process:
            try:
                child(at, folder, copy, disturbance, arguments)
            finally:
                os._exit(99)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        sys.stdout.write(f"{at} {status}\n")


if __name__ == "__main__":
    main()
