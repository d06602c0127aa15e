"""What a command says of itself and of a wrong call: in Chinese, and without the time to load rich."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from nianbao.cli.options import expanded

# Typer names only this child of its.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_WIDEST, _NAMES, _GAP = 100, 34, 2
# Latin letters and digits stay together; brackets and stops stay with what they enclose or end.
_WORD = re.compile(r"[（《“‘]*(?:[!-~]+|.)[，。；：！？、）》”’]*")
_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)
_SAID = (
    (re.compile(r"No such command ['\"](.*?)['\"]"), "没有“{}”这个命令"),
    (re.compile(r"Missing command"), "没有写命令"),
    (_EXTRA, "多出了“{}”，不知道是什么；文件名里有空格的，请加引号"),
    (re.compile(r"Option ['\"](.*?)['\"] requires an argument"), "{} 后面没有写内容"),
    (re.compile(r"Option ['\"](.*?)['\"] does not take a value"), "{} 后面不写内容"),
    (re.compile(r"valid integer|not a valid int"), "应为整数"),
    (re.compile(r"greater than or equal to (-?\d+)"), "不能小于{}"),
    (re.compile(r"less than or equal to (-?\d+)"), "不能大于{}"),
    (re.compile(r"not in the range x>=(-?\d+)"), "不能小于{}"),
)


class Command(TyperCommand):
    """A command whose help is in Chinese."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the command."""
        formatter.write(help_text(self, ctx))


class Group(TyperGroup):
    """A group of commands whose help is in Chinese."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the group."""
        formatter.write(help_text(self, ctx))


class App(typer.Typer):
    """An application whose commands and groups have their help in Chinese."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"cls": Group, **options})

    def command(self, *args: Any, **options: Any) -> Callable[[_Function], _Function]:
        """Return the decorator that makes a function a command; its bundles become options."""
        register = super().command(*args, **{"cls": Command, **options})

        def add(function: _Function) -> _Function:
            register(expanded(function))
            return function

        return add


def usage_words(error: Any) -> str:
    """Return what is wrong with a call and what to do about it; the help itself where nothing was given."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message()).rstrip()
    command = getattr(error.ctx, "command_path", "nianbao")
    return f"错误：{_mistake(error)}\n用法见 {command} --help"


def _mistake(error: Any) -> str:
    parameter = getattr(error, "param", None)
    if type(error).__name__ == "MissingParameter" and parameter is not None:
        what = " / ".join(parameter.opts) if _is_option(parameter) else _metavar(parameter)
        return f"缺少{'选项' if _is_option(parameter) else ''} {what}（{parameter.help or ''}）"
    if type(error).__name__ == "NoSuchOption":
        near = "、".join(sorted(error.possibilities or ()))
        return f"没有 {error.option_name} 这个选项" + (f"，是不是 {near}" if near else "")
    name = f"{'/'.join(parameter.opts)} 的内容" if parameter is not None else ""
    near = "、".join(re.findall(r"Did you mean '(.+?)'", error.message))
    return name + _said(error.message) + (f"，是不是 {near}" if near else "")


def _said(message: str) -> str:
    """Return a message of typer in Chinese; one that is not known as it is."""
    for pattern, words in _SAID:
        if found := pattern.search(message):
            return words.format(*found.groups())
    return f"不对：{message}"


def help_text(command: Any, ctx: Any) -> str:
    """Return the help of a command: how it is called, what it does, its arguments, options and commands."""
    parameters = [p for p in command.get_params(ctx) if not getattr(p, "hidden", False)]
    arguments = [p for p in parameters if not _is_option(p)]
    options = [p for p in parameters if _is_option(p)]
    commands = getattr(command, "commands", {})
    pieces = ["[选项]", *map(_metavar, arguments), *(["命令 …"] if commands else [])]
    parts = [f"用法：{' '.join([ctx.command_path, *pieces])}", *filter(None, [command.help])]
    rows = (
        ("参数", [(_metavar(p), _help(p)) for p in arguments]),
        ("选项", [(_names(p), _help(p)) for p in options]),
        ("命令", [(name, (c.help or "").split("\n\n")[0]) for name, c in commands.items()]),
    )
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    texts = ["\n".join(_wrapped(part, width)) for part in parts]
    texts += ["\n".join([f"{title}：", *_table(lines, width)]) for title, lines in rows if lines]
    return "\n\n".join(texts) + "\n"


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name)


def _names(option: Any) -> str:
    names = sorted(option.opts, key=len) + list(option.secondary_opts)
    return ", ".join(names) + ("" if option.is_flag or not option.metavar else f" {option.metavar}")


def _help(parameter: Any) -> str:
    if "--help" in parameter.opts:
        return "显示这段说明"
    default = parameter.default if isinstance(parameter.default, str | int) else None
    remark = "必填" if parameter.required else f"默认{default}" if default and default is not True else ""
    return f"{parameter.help or ''}（{remark}）" if remark else parameter.help or ""


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield the lines of names beside what they mean; a long name has a line of its own."""
    left = min(max(_columns(name) for name, _ in rows), _NAMES) + 2 * _GAP
    for name, text in rows:
        head = " " * _GAP + name
        lines = _wrapped(text, max(width - left, 20))
        if _columns(head) > left - _GAP:
            yield head
            head = ""
        yield head + " " * (left - _columns(head)) + lines[0]
        yield from (" " * left + line for line in lines[1:])


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in _WORD.findall(paragraph):
            if line and _columns(line + word) > width:
                lines.append(line.rstrip())
                line = ""
            line += word
        lines.append(line)
    return lines


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)
