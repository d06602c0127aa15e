"""What the commands share: exit statuses, printing, reading all inputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nianbao.bind import bind
from nianbao.errors import InputError, OutputError
from nianbao.inputs import Source, expand
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


def output_form(form: str | None, out: Path | None, suffixes: Mapping[str, str]) -> str:
    """Return the form of an output: what was asked for, else what the suffix of its file says.

    `suffixes` maps a suffix to a form. Raises InputError for a form that is none of them, OutputError for a
    file that would be another thing than its name says.
    """
    forms = list(dict.fromkeys(suffixes.values()))
    if form is not None and form not in forms:
        raise InputError(f"--format 只能是 {'、'.join(forms[:-1])} 或 {forms[-1]}，不是“{form}”")
    suffix = out.suffix.lower() if out else ""
    named = suffixes.get(suffix) if suffix else form or forms[0]
    if named is None and form is None:
        known = "、".join(suffixes)
        raise OutputError(f"不能写{suffix}文件；输出文件可以是{known}", file=str(out))
    if named and form and named != form:
        raise OutputError(f"--format {form} 与输出文件{out}的后缀不一致，请改正其中一个", file=str(out))
    return form or str(named)


def must_not_overwrite(out: Path | None, *inputs: str | Path) -> None:
    """Raise OutputError where an output would take the place of one of the files that it is made from."""
    if out is None or not out.is_file():
        return
    if any(isinstance(path, Path) and path.is_file() and path.samefile(out) for path in expand(inputs)):
        raise OutputError(f"结果不能覆盖输入文件{out}，请换一个文件名", file=str(out))


def must_give_reason(option: str, reason: str | None) -> None:
    """Raise InputError where an option that needs a reason has an empty one."""
    if reason is not None and not reason.strip():
        raise InputError(f"{option} 后面要写理由，理由会记入检查结果")


def status(unreadable: Sequence[tuple[str, str]], errors: int) -> int:
    """Return the exit status."""
    return FINDINGS if unreadable or errors else CLEAN
