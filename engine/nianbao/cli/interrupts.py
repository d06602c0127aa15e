"""A Ctrl-C that is not lost: Python drops one that comes while it tidies up, and prints a traceback."""

from __future__ import annotations

import _thread
import sys
import time
from contextlib import suppress
from typing import Any

_MOMENT = 0.01


def keep_interrupts() -> None:
    """Have a Ctrl-C come again a moment later that came while an object was thrown away, or an import's lock.

    Where Python is ending already nothing is left to interrupt, and nothing is said. A program that sees to
    such errors itself goes on doing so.
    """
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _again


def _again(unraisable: Any) -> None:
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    threads = sys.modules.get("threading")
    if threads is None or threads.main_thread().is_alive():
        with suppress(RuntimeError):
            _thread.start_new_thread(_interrupt, ())


def _interrupt() -> None:
    time.sleep(_MOMENT)
    _thread.interrupt_main()
