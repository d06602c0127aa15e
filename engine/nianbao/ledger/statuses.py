"""Where an agency stands, and what to say of it: reminders, doubles, other names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from nianbao.findings import Finding, Severity, Where
from nianbao.ledger.lines import Draft, Status
from nianbao.ledger.members import Member, in_words
from nianbao.ledger.signing import Publication, SignOff


def status_of(
    adopted: Draft | None,
    drafts: Sequence[Draft],
    signoff: SignOff | None,
    publications: Sequence[Publication],
) -> Status:
    """Return where an agency stands.

    A signature counts as long as it is of the figures that are there; what was published counts where
    everything that was read back is the same as what was signed.
    """
    if not drafts:
        return "missing"
    if adopted is None:
        return "received"
    if adopted.result.errors:
        return "returned"
    if adopted.result.warnings:
        return "explain"
    snapshot = signoff.snapshot if signoff else None
    if snapshot is None or not snapshot.intact or snapshot.fingerprint != adopted.fingerprint:
        return "passed"
    same = publications and all(p.against and not p.differences for p in publications)
    return "published" if same else "signed"


def reminder(member: Member, today: date) -> Finding:
    """Return the finding of an agency without a report: 区民政局：未报送，距1月31日还有3天."""
    left, day = (member.due - today).days, in_words(member.due)
    if left > 0:
        said = f"未报送，距{day}还有{left}天"
    else:
        said = f"未报送，今天（{day}）是最后一天" if left == 0 else f"未报送，已超期{-left}天（期限{day}）"
    severity: Severity = "error" if left < 0 else "warning"
    return Finding("NOT-RECEIVED", severity, None, member.where, f"{member.name}：{said}")


def draft_remarks(
    member: Member, drafts: Sequence[Draft], adopted: Draft | None, designated: str
) -> Iterator[Finding]:
    """Yield what to say of the reports that came for an agency."""
    files = "、".join(draft.file for draft in drafts)
    if designated and not any(is_named(draft, designated) for draft in drafts):
        message = (
            f"{member.name}：台账里指定的采用稿“{designated}”不在收到的文件里（{files or '没有'}），请改正"
        )
        yield Finding("DRAFT-GONE", "error", None, member.where, message)
    if len(drafts) > 1:
        if adopted is None:
            message = (
                f"同一单位收到{len(drafts)}份，未指定采用稿：{files}；请在台账“采用稿”一列写明采用哪一份"
            )
            yield Finding("DRAFTS", "error", None, member.where, f"{member.name}：{message}")
        elif not designated:
            message = f"收到{len(drafts)}份，内容相同，采用{adopted.file}"
            yield Finding("DRAFTS-EQUAL", "info", None, member.where, f"{member.name}：{message}")
    for draft in drafts:
        if draft.assignment.remark:
            message = f"{member.name}：{draft.file}{draft.assignment.remark}"
            report = draft.result.report
            yield Finding("OTHER-NAME", "info", "agency", report.where("agency"), message)


def adopted_of(drafts: Sequence[Draft], designated: str) -> Draft | None:
    """Return the report that counts: the one that was designated, else the only one, or one of equal ones."""
    if designated:
        named = [draft for draft in drafts if is_named(draft, designated)]
        return named[0] if len(named) == 1 else None
    return drafts[0] if len({draft.fingerprint for draft in drafts}) == 1 else None


def is_named(draft: Draft, designated: str) -> bool:
    """Return whether somebody who wrote `designated` means a report: its file with or without the folder."""
    wanted, file = designated.replace("\\", "/").strip(), draft.file.replace("\\", "/")
    return wanted == file or file.endswith(f"/{wanted}")


def late(member: Member, first: date | None) -> int:
    """Return by how many days the first report was late; 0 where it was not, or there is none."""
    return max(0, (first - member.due).days) if first else 0


def stray_finding(file: str, why: str, hint: str, where: Where) -> Finding:
    """Return the finding of a report that is nobody's: “年报终稿2.docx”未对应名录单位，请指定."""
    message = f"“{file}”未对应名录单位，请指定"
    reasons = "；".join(filter(None, (why, f"文件名像是{hint}的" if hint else "")))
    return Finding("NO-MEMBER", "error", "agency", where, f"{message}（{reasons}）" if reasons else message)
