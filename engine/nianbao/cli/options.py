"""The options that several commands share, said once.

A bundle is a data class of options, each with its default. A command that takes one as a parameter has its
options on the command line one by one (`usage.App` sees to that), and gets them as one value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from nianbao.beside import Beside
    from nianbao.pack import Pack

DEFAULT = "cn-ogi/2021"
_INPUTS = "表格、数据、成文的报告（Word、PDF、网页、文本），或文件夹、通配符"
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help=_INPUTS)]
AliasFile = Annotated[
    Path | None, typer.Option("--aliases", metavar="FILE", help="别名表：改名、合并、拆分、撤销的单位")
]
BlankAsZero = Annotated[
    str | None, typer.Option("--blank-as-zero", metavar="REASON", help="空格按0处理，并记录理由")
]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=0, help="并行进程数，0为按处理器数")]


PackDirs = Annotated[list[Path] | None, typer.Option("--packs", metavar="DIR", help="另外查找报表包的文件夹")]


@dataclass(frozen=True)
class PackChoice:
    """Which pack, and where else packs are found."""

    pack: Annotated[str, typer.Option("--pack", metavar="ID", help="报表包，如 cn-ogi/2021，或其文件夹")] = (
        DEFAULT
    )
    packs: PackDirs = None

    def load(self) -> Pack:
        """Return the pack; raises PackError."""
        from nianbao.pack import load_pack

        return load_pack(self.pack, self.packs or [])


@dataclass(frozen=True)
class BesideFiles:
    """What is set beside the reports: last year's, renamed agencies, explanations."""

    previous: Annotated[
        list[str] | None,
        typer.Option("--previous", metavar="INPUT", help="上年数据，用来核对结转等；可写几个"),
    ] = None
    aliases: AliasFile = None
    waivers: Annotated[
        list[Path] | None,
        typer.Option("--waivers", metavar="FILE", help="情况说明表，如填好的检查结果.xlsx；可写几个"),
    ] = None

    @property
    def files(self) -> tuple[str | Path, ...]:
        """Everything that is read."""
        return (*(self.previous or ()), *(self.waivers or ()), *([self.aliases] if self.aliases else ()))

    def read(self, pack: Pack) -> Beside:
        """Return what the files hold; raises InputError."""
        from nianbao.beside import Beside

        if self.aliases and not self.previous:
            typer.echo("没有给出上年数据（--previous），别名表没有用上", err=True)
        return Beside.read(pack, self.previous or None, self.aliases, self.waivers)


@dataclass(frozen=True)
class Rounds:
    """Which round of collecting it is, and what the notices say."""

    since: Annotated[
        Path | None,
        typer.Option(
            "--since", metavar="EARLIER", help="上一轮的台账文件夹或检查结果.xlsx，逐条说明改了没有"
        ),
    ] = None
    due: Annotated[
        str | None, typer.Option("--due", metavar="DATE", help="提前的报送期限，如 2024-01-20")
    ] = None
    today: Annotated[str | None, typer.Option("--today", metavar="DATE", help="统计日期，不写为今天")] = None
    year: Annotated[
        int | None, typer.Option("--year", metavar="YYYY", help="报告年度，不写为统计日期的上一年")
    ] = None
    reply_by: Annotated[
        str | None, typer.Option("--reply-by", metavar="DATE", help="通知里要求办理的日期，不写为报送期限")
    ] = None
    office: Annotated[str, typer.Option("--office", metavar="NAME", help="通知的落款")] = ""
    notice_template: Annotated[
        Path | None, typer.Option("--notice-template", metavar="FILE.docx", help="自己的更正通知模板")
    ] = None

    def said(self) -> dict[str, Any]:
        """Return all of it by the names that `collect` knows, dates read; raises InputError."""
        from nianbao.cli.collecting import day

        dates = {"due": self.due, "today": self.today, "reply_by": self.reply_by}
        read = {name: day(f"--{name.replace('_', '-')}", text) for name, text in dates.items()}
        return {each.name: read.get(each.name, getattr(self, each.name)) for each in fields(self)}


def expanded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that is given the fields of its bundles one by one."""
    hints = get_type_hints(function, include_extras=True)
    bundles: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in bundles:
            parameters += _parameters(bundles[name])
        else:
            parameters.append(_parameter(name, hints[name], parameter.default))

    @wraps(function)
    def command(**given: Any) -> Any:
        for name, bundle in bundles.items():
            given[name] = bundle(**{each.name: given.pop(each.name) for each in fields(bundle)})
        return function(**given)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer asks for it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameters(bundle: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    return [_parameter(each.name, hints[each.name], each.default) for each in fields(bundle)]


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
