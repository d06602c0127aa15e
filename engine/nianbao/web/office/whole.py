"""The roll-up as the page shows it: the report of the whole, what stands against it, who is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from nianbao.agencies import agency_key
from nianbao.consolidation import Member, Rollup
from nianbao.consolidation.members import category_words
from nianbao.errors import RenderError
from nianbao.findings import SEVERITIES, Finding, Where
from nianbao.outputs.html import html_of
from nianbao.outputs.results.words import value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.rules.expression import Number
from nianbao.web.office.space import Standing

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True)
class Said:
    """A finding about the roll-up; `link` leads to the report that it is about, empty for none."""

    level: str
    message: str
    link: str = ""


@dataclass(frozen=True)
class WholePage:
    """What the page of a roll-up says; `rules` is the style sheet of `body`."""

    agency: str
    year: str
    draft: str
    errors: int
    ok: bool
    statement: str
    body: Markup
    rules: str
    problem: str
    said: tuple[Said, ...]
    members: tuple[tuple[str, str, str], ...]
    excluded: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    adjustments: int
    figures: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Share:
    """What a member adds to a figure; `width` is that of its bar in hundredths of the greatest."""

    agency: str
    value: str
    percent: str
    width: int
    link: str


@dataclass(frozen=True)
class Adjusted:
    """A line of adjustment to a figure."""

    amount: str
    reason: str
    approver: str
    about: str
    follows: bool


@dataclass(frozen=True)
class FigurePage:
    """Who is behind a figure of the whole, the greatest first; `zeros` and `blanks` are the others."""

    path: str
    place: str
    total: str
    sum: str
    shares: tuple[Share, ...]
    zeros: tuple[str, ...]
    blanks: tuple[str, ...]
    adjustments: tuple[Adjusted, ...]
    adjusted: str
    remarks: tuple[str, ...]


def whole_page(rollup: Rollup, standing: Standing, pack: Pack, query: str) -> WholePage:
    """Return the page of a roll-up; each figure of the report leads to its members."""
    policy = pack.rollup
    assert policy is not None, "only a pack with a policy rolls up"
    body, rules, problem = _shown(rollup, pack, query)
    links = links_of(rollup, standing)
    return WholePage(
        visible(rollup.agency),
        str(rollup.year or ""),
        rollup.draft,
        rollup.errors,
        rollup.ok,
        visible(rollup.statement),
        Markup(body),
        rules,
        problem,
        tuple(_said(rollup.findings, rollup.members, links)),
        tuple(_members(rollup, pack, policy, links)),
        tuple((visible(each.agency), visible(each.reason)) for each in rollup.excluded),
        tuple(map(visible, rollup.missing)),
        sum(not line.follows for line in rollup.adjustments),
        tuple(_key_figures(rollup, pack)),
    )


def _key_figures(rollup: Rollup, pack: Pack) -> Iterator[tuple[str, str, str]]:
    """Yield title, value and path of the figures that the pack's summary shows as they are."""
    for column in pack.meta.get("summary", ()):
        (path, *more) = column["sum"]
        if not more and rollup.figures.get(path):
            yield str(column["title"]), value_words(rollup.figures[path]), path


def _shown(rollup: Rollup, pack: Pack, query: str) -> tuple[str, str, str]:
    """Return the report of the whole with its figures as links, its style sheet, why there is none."""
    from lxml import html

    try:
        made = html_of(rollup.report, pack, marked=True)
    except RenderError as error:
        return "", "", error.message
    root = html.fragment_fromstring(made.body, create_parent="div")
    figures = frozenset(rollup.fields)
    adjusted = {line.field for line in rollup.adjustments}
    found = [e for e in root.iter() if isinstance(e.tag, str) and e.get("data-field") in figures]
    for element in found:
        _link(element, query, element.get("data-field") in adjusted, pack)
    return html.tostring(root, encoding="unicode"), made.rules, ""


def _link(element: HtmlElement, query: str, adjusted: bool, pack: Pack) -> None:
    from lxml.html import Element

    if not "".join(element.itertext()).strip():
        return
    path = str(element.get("data-field"))
    link = Element("a", {"class": "figure", "href": f"/rollup/figures/{quote(path)}{query}"})
    link.set("aria-label", f"{pack.fields.place(path)}：{''.join(element.itertext()).strip()}")
    link.text = element.text
    element.text = None
    link.extend(list(element))
    element.append(link)
    if adjusted:
        link.set("class", "figure is-adjusted")


def links_of(rollup: Rollup, standing: Standing) -> Mapping[str, str]:
    """Return the page of each member's report, by the member's name."""
    pages = {agency_key(line.member.name): key for key, line in standing.lines.items()}
    keys = ((member.agency, pages.get(agency_key(member.agency))) for member in rollup.members)
    return {agency: f"/reports/{key}" for agency, key in keys if key}


def _said(findings: Sequence[Finding], members: Sequence[Member], links: Mapping[str, str]) -> Iterator[Said]:
    sources: dict[Where, str] = {member.source: member.agency for member in members}
    for finding in sorted(findings, key=lambda f: (f.waiver is not None, SEVERITIES.index(f.severity))):
        level = "info" if finding.waiver else finding.severity
        yield Said(level, visible(finding.message), links.get(sources.get(finding.where, ""), ""))


def _members(
    rollup: Rollup, pack: Pack, policy: Policy, links: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield name, category and page of each member."""
    for member in rollup.members:
        category = category_words(member.said.get(policy.category), pack, policy)
        yield visible(member.agency), visible(category), links.get(member.agency, "")


def figure_page(rollup: Rollup, path: str, standing: Standing, pack: Pack) -> FigurePage:
    """Return who is behind a figure of the whole; `path` is one of its fields."""
    number = rollup.fields.index(path)
    links = links_of(rollup, standing)
    own = [(member.agency, member.figures[number]) for member in rollup.members]
    lines = [line for line in rollup.adjustments if line.field == path]
    total = rollup.sums[number]
    return FigurePage(
        path,
        visible(pack.fields.place(path)),
        value_words(rollup.figures[path]) or "空",
        value_words(total) or "空",
        tuple(_shares(rollup.by(path), total, links, path)),
        tuple(visible(agency) for agency, value in own if value == 0),
        tuple(visible(agency) for agency, value in own if value is None),
        tuple(
            Adjusted(
                signed(x.amount), visible(x.reason), visible(x.approver), _about(x.agency, x.date), x.follows
            )
            for x in lines
        ),
        signed(sum((line.amount for line in lines), start=0)) if lines else "",
        tuple(_remarks(rollup, path)),
    )


def _shares(
    by: Sequence[tuple[str, Number]], total: Number | None, links: Mapping[str, str], path: str
) -> Iterator[Share]:
    greatest = max((_size(value) for _, value in by), default=1)
    for agency, value in by:
        percent = f"{100 * value / total:.1f}%" if total else ""
        link = f"{links[agency]}#field={path}" if agency in links else ""
        yield Share(visible(agency), value_words(value), percent, round(100 * _size(value) / greatest), link)


def _about(agency: str, day: str) -> str:
    return visible("，".join(filter(None, (agency, day))))


def _remarks(rollup: Rollup, path: str) -> Iterator[str]:
    """Yield where the figure parts ways with last year's whole, and by whom."""
    for each in rollup.carried:
        if each.field == path:
            named = "、".join(f"{who}{signed(gap)}" for who, gap in each.members[:10])
            more = f"等{len(each.members)}家" if len(each.members) > 10 else ""
            rest = f"，其他{signed(each.rest)}" if each.rest else ""
            yield visible(f"{each.message}：{named or '各单位都与上年相符'}{more}{rest}")


def signed(number: Number) -> str:
    """Return a number with its sign, a true minus."""
    words = value_words(_size(number))
    return f"−{words}" if number < 0 else f"＋{words}"


def _size(number: Number) -> Number:
    return -number if number < 0 else number
