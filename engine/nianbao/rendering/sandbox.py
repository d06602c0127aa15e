"""What a template may do: print values, loop over what the report holds, and that within limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateRuntimeError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from nianbao.errors import RenderError
from nianbao.rendering.marks import between_marks
from nianbao.rendering.program import Print, Program, TooMuch, split_paragraphs
from nianbao.values import ILLEGAL, shortened

# A report of the longest texts that the schema allows stays far below both.
MAX_ITEMS = 200_000
MAX_CHARACTERS = 20_000_000

_LARGEST = 10**15

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

    Raises RenderError where it would print or loop more than any report needs, or cannot be worked out;
    KeyError or UndefinedError where a field is not in the data.
    """
    try:
        if isinstance(template, Program):
            return template.run(context, print_value, MAX_CHARACTERS)
        return _run_jinja(template, context).encode()
    except (KeyError, UndefinedError):
        raise
    except TooMuch:
        raise RenderError("模板循环次数或输出过多，超出一份报告所需，请检查模板里的循环") from None
    except _CANNOT as error:
        raise RenderError(f"模板里有算不出来的写法，请检查模板：{shortened(str(error), 80)}") from error


# What expressions of a template can raise: a text added to a number, a division by zero, an attribute that
# the sandbox refuses, a template that calls itself.
_CANNOT = (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, AttributeError, IndexError,
           RecursionError, MemoryError)  # fmt: skip


def compile_jinja(tree: nodes.Template, environment: ImmutableSandboxedEnvironment) -> Template:
    """Return the template that a syntax tree makes, each of its loops counted, whatever it goes through."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
    tree.set_environment(environment)
    return environment.from_string(tree)


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
    environment.filters["paragraphs"] = split_paragraphs
    environment.filters[_COUNTED] = _Counted
    return environment


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a name after a dot is an item first: ``{{ d.items }}`` never prints a method.

    Products, powers and format strings, which make much of little, are for numbers a report may hold;
    Jinja would otherwise work them out even before a template runs.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return what an operator makes of numbers; raises SecurityError for anything else."""
        numbers = isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal)
        if not numbers or operator == "**" or max(abs(left), abs(right)) > _LARGEST:
            raise SecurityError(f"{operator}只能用于数")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the item of that name."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


# No template can name it.
_COUNTED = "counted loop"
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


def _run_jinja(template: Template, context: Mapping[str, Any]) -> str:
    token = _items_left.set(MAX_ITEMS)
    try:
        return "".join(_limited(template.generate(context)))
    finally:
        _items_left.reset(token)


def _limited(pieces: Iterable[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise TooMuch
        yield piece
