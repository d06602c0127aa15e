"""What the commands share: exit statuses, printing, reading all inputs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nianbao.bind import bind
from nianbao.inputs import Source
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.workers import LocalPool

CLEAN, FINDINGS, NOTHING = 0, 1, 2


def say(text: str) -> None:
    """Print a line of the result."""
    print(text)


def warn(text: str) -> None:
    """Print a line beside the result."""
    print(text, file=sys.stderr)


def read_all(
    inputs: Sequence[str], pack: Pack, blank_as_zero: str | None
) -> tuple[list[Report], list[tuple[str, str]]]:
    """Return the reports of all inputs and the files that could not be read.

    Raises InputError where there is no report at all.
    """
    source = Source(inputs, pack, LocalPool())
    reports = [bind(raw, pack, blank_as_zero) for raw in source]
    if not reports:
        raise source.nothing()
    return reports, source.unreadable


def status(unreadable: Sequence[tuple[str, str]], errors: int) -> int:
    """Return the exit status."""
    return FINDINGS if unreadable or errors else CLEAN
