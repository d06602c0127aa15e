"""A report as HTML whose cells show what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nianbao.fields import generic
from nianbao.web.notes import ORDER, Note, Notes

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass
class _Mark:
    """What one field shows: its notes, the values proposed for it, whether the keyboard stops there."""

    notes: list[Note] = field(default_factory=list)
    proposals: list[str] = field(default_factory=list)

    stops: bool = False

    @property
    def level(self) -> str:
        return min((note.level for note in self.notes), key=ORDER.__getitem__)


def marked(body: str, notes: Notes) -> tuple[str, Mapping[int, str]]:
    """Return the body with its findings, and for each note that has a place there the id of that element.

    A marked element has the class ``mark`` and that of its level, the numbers of its notes in
    ``data-notes``, and can be reached with the keyboard; a proposed value stands behind the printed one.
    """
    from lxml import html

    root = html.fragment_fromstring(body, create_parent="div")
    marks = _marks(notes)
    anchors: dict[str, str] = {}
    for element in root.iter():
        path = element.get("data-field") if isinstance(element.tag, str) else None
        if path is None:
            continue
        mark = marks.get(path) or marks.get(generic(path))
        if mark is not None:
            _show(element, mark, anchors.setdefault(path, f"c{len(anchors) + 1}"))
    text = html.tostring(root, encoding="unicode")
    places = {
        note.number: anchors[path]
        for note in reversed(notes.all)
        for path in reversed(note.fields)
        if path in anchors
    }
    return text, places


def _marks(notes: Notes) -> dict[str, _Mark]:
    marks: dict[str, _Mark] = {}
    for note in notes.all:
        for path in note.fields:
            mark = marks.setdefault(path, _Mark())
            mark.notes.append(note)
            # Of a block of cells the first is enough of a stop on the way through the page.
            mark.stops |= path == note.fields[0] or note in notes.suspects
            proposal = (note.proposals or {}).get(path)
            if proposal is not None and proposal not in mark.proposals:
                mark.proposals.append(proposal)
    return marks


def _show(element: HtmlElement, mark: _Mark, anchor: str) -> None:
    """Make an element a marked one; a text of several paragraphs is one place, its first has the id."""
    from lxml.html import fromstring

    classes = [element.get("class", ""), "mark", f"is-{mark.level}"]
    suspect = [note.level for note in mark.notes if note.level in ("suspect", "possible")]
    if mark.level in ("error", "warning") and "suspect" in suspect:
        classes.append("is-culprit")
    element.set("class", " ".join(filter(None, classes)))
    element.set("data-notes", " ".join(str(note.number) for note in mark.notes))
    if element.getroottree().getroot().xpath("boolean(//*[@id=$id])", id=anchor):
        return
    element.set("id", anchor)
    if mark.stops:
        element.set("tabindex", "0")
    element.set("aria-describedby", " ".join(f"n{note.number}" for note in mark.notes))
    if not "".join(element.itertext()).strip():
        _show_missing(element, mark.notes)
    if mark.proposals:
        proposed = fromstring("<span class=proposed></span>")
        proposed.text = f"应为{'或'.join(mark.proposals[:2])}"
        element.append(proposed)


def _show_missing(element: HtmlElement, notes: Sequence[Note]) -> None:
    """Show in an empty cell what was found there, or that nothing was."""
    from lxml.html import fromstring

    found = next((note.found for note in notes if note.found), "")
    shown = fromstring("<span class=found></span>")
    shown.text = found or "空"
    shown.set("class", "found" if found else "found is-blank")
    element.append(shown)
