"""The pack's Word template in the tag syntax of other engines, and the data in the shape that each reads.

The templates use values, ``{{ a.b }}``, and loops over paragraphs, ``{%p for x in a.b %}``, often with the
filter ``paragraphs``. Nothing else is translated: anything else raises ValueError rather than be left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docx import Document
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

VALUE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_START = re.compile(r"\{%p\s+for\s+(\w+)\s+in\s+([\w.]+)\s*(\|\s*paragraphs)?\s*%\}")
_END = re.compile(r"\{%p\s+endfor\s*%\}")
_TAG = re.compile(r"\{\{|\{%|\{#")
# The engines loop over objects: a paragraph of a text is an object with this one attribute.
ITEM = "p"


@dataclass(frozen=True)
class Loop:
    """A loop: its variable, the name it loops over, and whether that is a text cut into paragraphs."""

    variable: str
    source: str
    of_text: bool


Loops = Sequence[Loop]


def start_of(text: str) -> Loop | None:
    """Return the loop that a paragraph starts, None if it starts none."""
    found = _START.fullmatch(text.strip())
    return Loop(found[1], found[2], bool(found[3])) if found else None


def is_end(text: str) -> bool:
    """Return whether a paragraph ends a loop."""
    return bool(_END.fullmatch(text.strip()))


def names_in(text: str) -> list[str]:
    """Return the names whose values a text prints; raises ValueError for a tag of another kind."""
    names = VALUE.findall(text)
    if len(names) != len(_TAG.findall(text)):
        raise ValueError(f"no translation for {text!r}")
    return names


def full_path(name: str, loops: Loops) -> str:
    """Return the path of a name from the top of the data, ``[]`` behind what is looped over."""
    first, _, rest = name.partition(".")
    for depth in range(len(loops) - 1, -1, -1):
        if loops[depth].variable == first:
            path = f"{full_path(loops[depth].source, loops[:depth])}[]"
            rest = ITEM if loops[depth].of_text else rest
            return f"{path}.{rest}" if rest else path
    return name


class Dialect:
    """The tag syntax of an engine. `inline` says that loop tags stand in the paragraphs they repeat."""

    inline = False

    def value(self, name: str, loops: Loops) -> str:
        """Return the tag that prints a value inside of `loops`, outermost first."""
        raise NotImplementedError

    def start(self, loops: Loops) -> str | None:
        """Return the tag that starts the innermost loop, None if there is none."""
        raise NotImplementedError

    def end(self, loops: Loops) -> str | None:
        """Return the tag that ends the innermost loop."""
        raise NotImplementedError


class Carbone(Dialect):
    """``{d.a.b}``; a loop is what lies between ``{d.a[i].p}`` and ``{d.a[i+1].p}``."""

    def value(self, name: str, loops: Loops) -> str:
        return "{d." + full_path(name, loops).replace("[]", "[i]") + "}"

    def start(self, loops: Loops) -> None:
        return None

    def end(self, loops: Loops) -> str:
        path = "d." + full_path(loops[-1].variable, loops)
        before, _, after = path.rpartition("[]")
        return "{" + before.replace("[]", "[i]") + "[i+1]" + after + "}"


class Mustache(Dialect):
    """docxtemplater: ``{a.b}``, ``{#a}``, ``{/a}``; a name with dots is one key of the data."""

    def value(self, name: str, loops: Loops) -> str:
        return "{" + self._name(name, loops) + "}"

    def start(self, loops: Loops) -> str:
        return "{#" + self._name(loops[-1].source, loops[:-1]) + "}"

    def end(self, loops: Loops) -> str:
        return "{/" + self._name(loops[-1].source, loops[:-1]) + "}"

    @staticmethod
    def _name(name: str, loops: Loops) -> str:
        """Return the key of a name in the scope of the innermost loop."""
        return full_path(name, loops).rpartition("[].")[2]


class EasyTemplate(Mustache):
    """easy-template-x: as docxtemplater, with whole paragraphs repeated where a loop asks for it."""

    inline = True

    def start(self, loops: Loops) -> str:
        return super().start(loops)[:-1] + ' [loopOver: "paragraph"]}'


class DocxTemplates(Dialect):
    """docx-templates: commands between ``+++``, loop variables with a ``$``."""

    def value(self, name: str, loops: Loops) -> str:
        variable = next((loop for loop in reversed(loops) if loop.variable == name.partition(".")[0]), None)
        if variable is None:
            return f"+++INS {name}+++"
        return f"+++INS ${name}{f'.{ITEM}' if variable.of_text else ''}+++"

    def start(self, loops: Loops) -> str:
        *outer, loop = loops
        inner = any(one.variable == loop.source.partition(".")[0] for one in outer)
        return f"+++FOR {loop.variable} IN {'$' if inner else ''}{loop.source}+++"

    def end(self, loops: Loops) -> str:
        return f"+++END-FOR {loops[-1].variable}+++"


def translate(template: bytes, dialect: Dialect) -> bytes:
    """Return the template with its tags in another syntax; nothing else of the document changes."""
    document = Document(io.BytesIO(template))
    loops: list[Loop] = []
    waiting = ""
    written: Paragraph | None = None
    for paragraph in [Paragraph(p, document) for p in document.element.body.iter(qn("w:p"))]:
        if loop := start_of(paragraph.text):
            loops.append(loop)
            waiting += _place(paragraph, dialect.start(loops), dialect.inline)
        elif is_end(paragraph.text):
            closing = _place(paragraph, dialect.end(loops), dialect.inline)
            loop = loops.pop()
            if closing:
                if written is None or waiting:
                    raise ValueError(f"nothing is printed in the loop over {loop.source}")
                _write(written, written.text + closing)
        elif waiting or names_in(paragraph.text):
            text = VALUE.sub(lambda found: dialect.value(found[1], loops), paragraph.text)
            _write(paragraph, waiting + text)
            waiting, written = "", paragraph
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _place(paragraph: Paragraph, tag: str | None, inline: bool) -> str:
    """Write a loop tag into its paragraph; return it instead where it belongs into a neighbour."""
    if tag is None or inline:
        paragraph._p.getparent().remove(paragraph._p)
        return tag or ""
    _write(paragraph, tag)
    return ""


def _write(paragraph: Paragraph, text: str) -> None:
    """Give a paragraph another text, in the looks of its first run."""
    first, *others = paragraph.runs
    first.text = text
    for run in others:
        run.text = ""


def text_paths(template: bytes) -> set[str]:
    """Return the paths of the texts that the template cuts into paragraphs."""
    loops: list[Loop] = []
    paths: set[str] = set()
    for paragraph in Document(io.BytesIO(template)).paragraphs:
        if loop := start_of(paragraph.text):
            if loop.of_text:
                paths.add(full_path(loop.source, loops))
            loops.append(loop)
        elif is_end(paragraph.text):
            loops.pop()
    return paths


def nested(data: Any, texts: set[str], path: str = "") -> Any:
    """Return the data with the texts at `texts` as lists of paragraphs."""
    if path in texts:
        return [{ITEM: paragraph} for paragraph in str(data).split("\n")] if data else []
    if isinstance(data, Mapping):
        return {key: nested(value, texts, f"{path}.{key}" if path else key) for key, value in data.items()}
    if isinstance(data, list):
        return [nested(value, texts, f"{path}[]") for value in data]
    return data


def flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested data with one key a leaf, ``a.b.c``; lists keep their items, which become flat too."""
    return dict(_leaves(data, ""))


def _leaves(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", [flat(v) if isinstance(v, Mapping) else v for v in value]
        else:
            yield f"{prefix}{key}", value
