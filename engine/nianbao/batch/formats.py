"""The formats in which a report is written, and the names that its files have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nianbao.errors import OutputError
from nianbao.outputs.html import render_html
from nianbao.pack import Pack
from nianbao.pipeline import render
from nianbao.rendering.template import CompiledTemplate
from nianbao.report import Report

# The suffix of each; a PDF is made of the Word file, by the driver.
SUFFIXES = {"docx": ".docx", "html": ".html", "html-fragment": ".frag.html", "pdf": ".pdf"}


def checked_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """Return the formats, each once, in the order of `SUFFIXES`; raises OutputError for one that is none."""
    wanted = {each.strip() for each in formats} - {""}
    if unknown := wanted - SUFFIXES.keys():
        raise OutputError(f"没有“{'、'.join(sorted(unknown))}”这种输出格式，可用的有：{'、'.join(SUFFIXES)}")
    return tuple(each for each in SUFFIXES if each in wanted) or ("docx",)


def content_of(name: str, report: Report, pack: Pack, template: CompiledTemplate) -> bytes:
    """Return a report in a format, that of a PDF being the Word file to convert; raises RenderError."""
    if name in ("docx", "pdf"):
        return render(report, pack, template)
    return render_html(report, pack, template=template, fragment=name == "html-fragment").encode()


def listed(stem: str, names: Sequence[str]) -> str:
    """Return the files of one report for the summary: the first by its name, the others by their suffixes."""
    return "、".join((*names[:1], *(name.removeprefix(stem) for name in names[1:])))
