"""Notices as the page shows them: the Word file as HTML, its text for an e-mail, all of them as a zip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from nianbao.ledger.lines import DONE, Ledger, Line
from nianbao.outputs.html import html_of_docx
from nianbao.outputs.ledger.papers import Notice, notices_of, paper_template
from nianbao.pack import Pack
from nianbao.web.downloads import as_zip
from nianbao.web.office.given import Given


@dataclass(frozen=True)
class NoticePage:
    """A notice as it is shown; `rules` is the style sheet of its body."""

    body: Markup
    rules: str
    mail: str


def notices(ledger: Ledger, given: Given, pack: Pack, lines: Iterable[Line] | None = None) -> list[Notice]:
    """Return the notices of all agencies that have something to do, or of those of `lines`."""
    template = paper_template("notice", pack, given.notice_template)
    said = notices_of(ledger, pack, template, office=given.office, reply_by=given.reply_by, lines=lines)
    return list(said)


def notice_of(line: Line, ledger: Ledger, given: Given, pack: Pack) -> Notice | None:
    """Return the notice of an agency, None for one that has nothing to do."""
    return None if line.status in DONE else notices(ledger, given, pack, [line])[0]


def notice_page(notice: Notice) -> NoticePage:
    """Return what the page shows of a notice."""
    html = html_of_docx(notice.docx)
    return NoticePage(Markup(html.body), html.rules, notice.mail)


def notices_zip(found: Iterable[Notice]) -> bytes:
    """Return notices as a zip archive: of each the Word file and the text."""
    return as_zip(file for n in found for file in ((f"{n.name}.docx", n.docx), (f"{n.name}.txt", n.text)))
