"""Sign-off: which figures were signed, what has changed since, and whether what was published is the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nianbao.bind import bind
from nianbao.comparison.comparing import compare
from nianbao.comparison.differences import FigureChange, ReportComparison, TextChange
from nianbao.comparison.textdiff import text_form
from nianbao.findings import Finding, Value, Where
from nianbao.ledger.fingerprint import fingerprint
from nianbao.pack import Pack
from nianbao.readers.records import raw_from_data
from nianbao.rendering.context import template_context
from nianbao.report import Report, exchanged, leaves

_MOST = 12


@dataclass(frozen=True)
class Snapshot:
    """The values that a sign-off sheet was made of; not `intact` where somebody has changed them since."""

    fingerprint: str
    report: Report
    intact: bool = True
    file: str = ""


@dataclass(frozen=True)
class SignOff:
    """A signature: who signed which figures, and when; `fingerprint` is its beginning."""

    agency: str
    fingerprint: str
    by: str
    date: str = ""
    snapshot: Snapshot | None = None


@dataclass(frozen=True)
class Publication:
    """A published document read back: what differs from the signed figures, in words.

    `against` says what it was compared with: the signed figures, or those that came; empty for neither.
    """

    file: str
    differences: tuple[str, ...] = ()
    against: str = ""


def snapshot_data(report: Report) -> dict[str, object]:
    """Return what is kept of a report when its sign-off sheet is made, as plain JSON data."""
    return {"fingerprint": fingerprint(report), "report": exchanged(report.data)}


def snapshot_of(data: dict[str, object], pack: Pack, file: str) -> Snapshot:
    """Return what `snapshot_data` kept; the fingerprint is calculated anew."""
    kept = data.get("report")
    report = kept_report(kept if isinstance(kept, dict) else {}, pack, file)
    said = str(data.get("fingerprint"))
    return Snapshot(said, report, said == fingerprint(report), file)


def kept_report(data: dict[str, object], pack: Pack, file: str) -> Report:
    """Return a report that was kept as data, as it was: nothing is derived or filled in."""
    raw = raw_from_data(data, pack.fields, Where(file))
    return bind(replace(raw, finished=True), pack)


def changed_since(signoff: SignOff, report: Report, pack: Pack, where: Where) -> Iterator[Finding]:
    """Yield what to say where a report is not what was signed, naming every value: 新收 40→41."""
    snapshot = signoff.snapshot
    if snapshot is None:
        message = f"审签记录的指纹没有对应的审签数据，无法核对；请重新生成审签单并审签（审签人{signoff.by}）"
        yield Finding("SIGNED-LOST", "warning", None, where, message)
        return
    if not snapshot.intact:
        same = snapshot.fingerprint == fingerprint(report)
        advice = "报送的数据与指纹一致，已据此恢复" if same else "请从备份恢复，或重新审签"
        message = f"审签数据{snapshot.file}被人改动过，与指纹不符，不能作为依据；{advice}"
        yield Finding("SIGNED-EDITED", "error", None, where, message)
        return
    if snapshot.fingerprint == fingerprint(report):
        return
    changes = list(change_words(only(snapshot.report, report, pack), pack)) or ["不印出的单位信息"]
    field = next(iter(changed_fields(snapshot.report, report)), None)
    yield Finding("SIGNED-CHANGED", "warning", field, where, f"审签后有改动：{listed(changes)}；请重新审签")


def only(before: Report, after: Report, pack: Pack) -> ReportComparison:
    """Return what differs between two reports of one agency, whatever name each of them bears."""
    called = replace(before, data={**before.data, "agency": after.agency}, known=None)
    return compare(called, after, pack).pairs[0]


def published_differences(base: Report, published: Report, pack: Pack) -> tuple[str, ...]:
    """Return what a document that was read back says otherwise than what was signed, in words.

    A PDF does not show where a heading ends and a text begins: texts that are the same as a whole are the
    same.
    """
    comparison = only(base, published, pack)
    if (comparison.texts or comparison.items) and _printed(base, pack) == _printed(published, pack):
        comparison = replace(comparison, texts=(), items=())
    return tuple(change_words(comparison, pack))


def _printed(report: Report, pack: Pack) -> str:
    """Return all texts of a report as they are printed, in a row, without what only parts them."""
    context = template_context(report, pack).fields
    texts: list[object] = []
    # Of a list the first field stands for all, item by item.
    for path in dict.fromkeys(f.path.partition("[]")[0] for f in pack.fields if f.printed):
        field = pack.fields.by_path.get(path)
        if path in pack.fields.lists:
            texts += [text for item in context.get(path) or () for _, text in leaves(item)]
        elif field is not None and field.kind in ("text", "line"):
            texts.append(context.get(path))
    return "".join(_FORM.sub("", text_form(str(text))) for text in texts if text)


_FORM = re.compile(r"[\s。]")


def changed_fields(before: Report, after: Report) -> list[str]:
    """Return the fields whose values differ."""
    paths = dict.fromkeys([*after.values, *before.values])
    return [path for path in paths if (before.value(path) or "") != (after.value(path) or "")]


def change_words(comparison: ReportComparison, pack: Pack) -> Iterator[str]:
    """Yield each difference in the words of the form: 表三·一、…·总计 40→41."""
    for change in (*comparison.figures, *comparison.texts, *comparison.items):
        place = pack.fields.place(change.field)
        if isinstance(change, FigureChange):
            before = change.before_found or _written(change.before)
            yield f"{place} {before}→{change.after_found or _written(change.after)}"
        elif isinstance(change, TextChange):
            short = (
                max(len(change.before), len(change.after)) <= 20 and "\n" not in change.before + change.after
            )
            words = f"“{change.before or '空'}”→“{change.after or '空'}”" if short else "文字有改动"
            yield f"{place} {words}"
        else:
            yield f"{place} {'少了一项' if change.after_field is None else '增加了一项'}"


def listed(changes: list[str]) -> str:
    """Return differences in one sentence, of very many the first."""
    more = f"等{len(changes)}处" if len(changes) > _MOST else ""
    return "；".join(changes[:_MOST]) + more


def _written(value: Value) -> str:
    return "空" if value is None else f"{value}"
