"""What the templates of a collection see: a notice's findings in the form's own words, a sheet to be signed.

Every name that a template may use is in `NOTICE` or `SIGNOFF`: None for a text, the names inside an item for
a list, none for a list of texts; `report` holds all fields of the pack, blank ones empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import zip_longest
from typing import Any

from nianbao.findings import Finding, order
from nianbao.ledger.fingerprint import grouped, short
from nianbao.ledger.lines import Draft, Ledger, Line
from nianbao.ledger.members import in_words
from nianbao.ledger.signing import change_words
from nianbao.outputs.docx import Properties
from nianbao.outputs.results.summary import figures_of
from nianbao.outputs.results.words import Words, difference, value_words
from nianbao.pack import Pack
from nianbao.rendering.context import filled_name, template_context
from nianbao.report import Report

# The names that templates may use; those of lists with the names inside an item.
NOTICE: Mapping[str, tuple[str, ...] | None] = {
    **dict.fromkeys(
        ("agency", "year", "title", "subject", "status", "source", "date", "due", "reply_by", "round",
         "office", "counted", "verdict", "contact")),
    "matters": (),
    "findings": ("number", "level", "state", "grade", "place", "value", "expected", "difference",
                 "requirement", "problem", "message", "advice", "basis"),
    "fixed": ("place", "message"),
    "changes": (),
}  # fmt: skip
SIGNOFF: Mapping[str, tuple[str, ...] | None] = {
    **dict.fromkeys(
        ("agency", "year", "title", "subject", "code", "category", "source", "date", "counted", "fingerprint",
         "digest")),
    "figures": ("title", "value"),
    "figure_pairs": ("title", "value", "title2", "value2"),
    "explained": ("place", "message", "reason", "confirmed_by"),
    "report": ("*",),
}  # fmt: skip


def notice_context(
    line: Line, ledger: Ledger, pack: Pack, words: Words, office: str, reply_by: date | None
) -> dict[str, Any]:
    """Return what the template of a correction notice sees."""
    return {
        "agency": line.member.name,
        "year": str(ledger.year),
        "title": filled_name(pack, line.member.name, ledger.year),
        "subject": str(pack.meta.get("subject", pack.title)),
        "status": _asked(line, ledger.today),
        "source": line.adopted.file if line.adopted else "、".join(draft.file for draft in line.drafts),
        "date": day_words(ledger.today),
        "due": day_words(line.member.due),
        "reply_by": day_words(reply_by) if reply_by else "",
        "round": str(ledger.round),
        "office": office,
        "contact": line.member.contact,
        "counted": counted(line),
        "verdict": verdict(line, ledger.today),
        "matters": list(matters(line)),
        "findings": list(_findings(line, words)),
        "fixed": list(_fixed(line)),
        "changes": changes_of(line, pack),
    }


# What concerns the office alone.
_INTERNAL = ("DRAFT-GONE", "DRAFTS-EQUAL", "LATE", "SIGNED-LOST", "SIGNED-EDITED", "SIGNED-GONE")


def matters(line: Line) -> Iterator[str]:
    """Yield what there is to be said to an agency beside the findings of its report."""
    for remark in line.remarks:
        if remark.rule == "DRAFTS":
            files = "、".join(draft.file for draft in line.drafts)
            yield f"收到你单位{len(line.drafts)}份不同的报告：{files}；请说明以哪一份为准"
        elif remark.rule == "NOT-RECEIVED":
            yield remark.message
        elif remark.rule == "UNREADABLE":
            yield f"收到的一个文件像是你单位的，但未能读取：{remark.message.partition('未能读取：')[2]}"
        elif remark.rule not in _INTERNAL:
            yield remark.message.removeprefix(f"{line.member.name}：")


def _fixed(line: Line) -> Iterator[dict[str, str]]:
    """Yield the findings of the earlier round that are mended; the position is not said twice."""
    for each in line.progress.fixed if line.progress else ():
        yield {"place": each.place, "message": _without_place(each.message, each.place)}


def _without_place(message: str, place: str) -> str:
    """Return a message without the position at its beginning, where that stands before it anyway."""
    start, _, rest = message.partition("：")
    return rest if rest and place.startswith(start) else message


# What an agency is asked to do, by where it stands.
STATUS_WORDS: Mapping[str, str] = {
    "missing": "尚未报送，请按期报送",
    "received": "收到几份不同的报告，请说明以哪一份为准",
    "returned": "有错误，请改正后重新报送",
    "explain": "没有错误，有需要核对的地方，请改正或说明",
    "passed": "已通过核对",
    "signed": "已审签",
    "published": "已发布",
}


def counted(line: Line) -> str:
    """Return how many findings an agency has, in words; empty for none."""
    parts = ((line.errors, "处错误"), (line.warnings, "处需要核对"))
    return "，".join(f"{count}{word}" for count, word in parts if count)


def verdict(line: Line, today: date) -> str:
    """Return what came out and what is asked, in a few words."""
    found = counted(line)
    return f"{_asked(line, today)}（{found}）" if found else _asked(line, today)


def _asked(line: Line, today: date) -> str:
    overdue = line.status == "missing" and line.days_left(today) < 0
    return "尚未报送，已经超期，请立即报送" if overdue else STATUS_WORDS[line.status]


def changes_of(line: Line, pack: Pack) -> list[str]:
    """Return what differs from the report of the earlier round, value by value."""
    changes = line.progress.changes if line.progress else None
    return list(change_words(changes, pack)) if changes is not None else []


def _findings(line: Line, words: Words) -> Iterator[dict[str, str]]:
    """Yield the findings of the adopted report that want something done, grave ones first."""
    if line.adopted is None:
        return
    findings = line.adopted.result.findings
    states = line.progress.states if line.progress else ("",) * len(findings)
    pairs = sorted(zip(findings, states, strict=True), key=lambda pair: order(pair[0]))
    wanted = (p for p in pairs if p[0].severity != "info" and p[0].waiver is None)
    doubtful = any(finding.suspects for finding in findings)
    for number, (finding, state) in enumerate(wanted, 1):
        certain = not (_follows(finding) or (doubtful and _of_text(finding, words.pack)))
        yield {
            "number": str(number),
            "level": words.level(finding),
            "state": state,
            "place": words.place(finding),
            "grade": "\n".join(filter(None, (words.level(finding), state))),
            "value": _reported(finding, line.adopted.result.report),
            "expected": value_words(finding.expected) if certain else "",
            "difference": value_words(difference(finding)) if certain else "",
            "requirement": words.requirement(finding),
            "message": words.message(finding),
            "problem": _problem(words.message(finding), words.requirement(finding)),
            "advice": words.advice(finding),
            "basis": finding.basis,
        }


def _follows(finding: Finding) -> bool:
    """Return whether the most likely mistake is in other cells: then this one need not change."""
    best = finding.suspects[0] if finding.suspects else None
    return best is not None and best.group is None and finding.field not in best.changes


def _of_text(finding: Finding, pack: Pack) -> bool:
    """Return whether a text is held against tables: as long as those do not add up, neither may be right."""
    field = pack.fields.find(finding.field) if finding.field else None
    return field is not None and not field.is_number


def _reported(finding: Finding, report: Report) -> str:
    """Return what stands in the report, in a few words; a long text is there to be read."""
    value = finding.actual
    if value is None and finding.field:
        value = report.value(finding.field)
        if value is None:
            return "空"
    text = value_words(value)
    return text if len(text) <= _LONGEST else "（见报告正文）"


def _problem(message: str, requirement: str) -> str:
    return f"{message}（应满足：{requirement}）" if requirement else message


_LONGEST = 40
_NO_FIGURE = {"title": "", "value": ""}


def signoff_context(line: Line, draft: Draft, ledger: Ledger, pack: Pack, words: Words) -> dict[str, Any]:
    """Return what the template of a sign-off sheet sees."""
    report = draft.report
    category = str(pack.meta.get("category", ""))
    choices = dict(field.choices) if (field := pack.fields.find(category)) else {}
    explained = [finding for finding in draft.result.findings if finding.waiver]
    titles = [str(column["title"]) for column in pack.meta.get("summary", ())]
    figures = [
        {"title": title, "value": "空" if value is None else value_words(value)}
        for title, value in zip(titles, figures_of(report, pack), strict=True)
    ]
    half = (len(figures) + 1) // 2
    return {
        "agency": line.member.name,
        "year": str(ledger.year),
        "title": filled_name(pack, report.agency or line.member.name, ledger.year),
        "subject": str(pack.meta.get("subject", pack.title)),
        "code": line.member.code,
        "category": choices.get(line.member.category, line.member.category),
        "source": draft.file,
        "date": day_words(ledger.today),
        "counted": f"{len(explained)}处已作说明并有人确认" if explained else "没有错误和待说明的问题",
        "fingerprint": short(draft.fingerprint),
        "digest": grouped(draft.fingerprint),
        "figures": figures,
        "figure_pairs": [
            {**one, "title2": other["title"], "value2": other["value"]}
            for one, other in zip_longest(figures[:half], figures[half:], fillvalue=_NO_FIGURE)
        ],
        "explained": [
            {
                "place": words.place(finding),
                "message": _without_place(finding.message, words.place(finding)),
                "reason": finding.waiver.reason,
                "confirmed_by": " ".join(filter(None, (finding.waiver.confirmed_by, finding.waiver.date))),
            }
            for finding in explained
            if finding.waiver
        ],
        "report": template_context(report, pack),
    }


def document_properties(title: str, ledger: Ledger, author: str, pack: Pack) -> Properties:
    """Return the core properties of a document of the collection; equal input gives equal bytes."""
    return Properties(
        title=title,
        author=author,
        subject=str(pack.meta.get("subject", pack.title)),
        created=f"{ledger.today.isoformat()}T00:00:00Z",
    )


def day_words(day: date) -> str:
    """Return a day in full: 2024年1月31日."""
    return f"{day.year}年{in_words(day)}"
