"""What a template may do: print values, loop over what the report holds, and that within limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from nianbao.errors import RenderError
from nianbao.marks import between_marks
from nianbao.program import Print, Program, TooMuch, split_paragraphs
from nianbao.values import ILLEGAL

# A report of the longest texts that the schema allows stays far below both.
MAX_ITEMS = 1_000_000
MAX_CHARACTERS = 200_000_000

_TAB = '</w:t><w:tab/><w:t xml:space="preserve">'
_BREAK = '</w:t><w:br/><w:t xml:space="preserve">'


class RichValue(Exception):
    """A value that makes markup of its own (an object of docxtpl): only docxtpl can place it."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


def text_of(value: object) -> str:
    """Return what a value prints: escaped, with tabs and line breaks as Word has them.

    Raises RenderError for a character that XML cannot hold, RichValue for an object of docxtpl.
    """
    if isinstance(value, str):
        _refuse_illegal(value)
        text = str(escape(value))
        return text.replace("\t", _TAB).replace("\n", _BREAK) if "\t" in text or "\n" in text else text
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "__html__"):
        raise RichValue(value)
    return "" if value is None else str(escape(value))


def html_text_of(value: object) -> str:
    """Return what a value prints on a web page; raises as `text_of` does."""
    if isinstance(value, str):
        _refuse_illegal(value)
        return str(escape(value)).replace("\n", "<br>").replace("\r", " ")
    return text_of(value)


def _refuse_illegal(text: str) -> None:
    if bad := ILLEGAL.search(text):
        raise RenderError(f"文字里有Word文件不能保存的字符U+{ord(bad[0]):04X}，请删除后重试")


def marked_text_of(value: object) -> str:
    """Return what a value prints, between the marks of its field; raises as `text_of` does."""
    return between_marks(value, text_of(value))


def run_template(
    template: Program | Template, context: Mapping[str, Any], print_value: Print = text_of
) -> bytes:
    """Return what a template prints, in UTF-8; a Jinja template prints values as its environment does.

    Raises RenderError where it would print or loop more than any report needs; KeyError or UndefinedError
    where a field is not in the data.
    """
    try:
        if isinstance(template, Program):
            return template.run(context, print_value, MAX_CHARACTERS)
        return _run_jinja(template, context).encode()
    except TooMuch:
        raise RenderError("模板循环次数或输出过多，超出一份报告所需，请检查模板里的循环") from None


def jinja_environment(print_value: Print = text_of) -> ImmutableSandboxedEnvironment:
    """Return the sandbox: strict, escaping, with the filter `paragraphs` and nothing else."""

    def printed(value: object) -> object:
        # What is undefined stays, and is refused.
        return Markup(print_value(value)) if not isinstance(value, Undefined) else value

    environment = _Environment(
        undefined=StrictUndefined, autoescape=True, finalize=printed, keep_trailing_newline=True
    )
    environment.filters.clear()
    environment.globals.clear()
    environment.filters["paragraphs"] = lambda text: _Counted(split_paragraphs(text))
    return environment


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a name after a dot is an item first: ``{{ d.items }}`` never prints a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the item of that name."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


_items_left: ContextVar[int] = ContextVar("items_left", default=MAX_ITEMS)


class _Counted(list[Any]):
    """A list that can be gone through only so many times in one document."""

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            left = _items_left.get()
            if not left:
                raise TooMuch
            _items_left.set(left - 1)
            yield item


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _counted(item) for key, item in value.items()}
    return _Counted(_counted(item) for item in value) if isinstance(value, list | tuple) else value


def _run_jinja(template: Template, context: Mapping[str, Any]) -> str:
    token = _items_left.set(MAX_ITEMS)
    try:
        return "".join(_limited(template.generate(_counted(context))))
    finally:
        _items_left.reset(token)


def _limited(pieces: Iterable[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise TooMuch
        yield piece
