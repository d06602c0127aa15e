"""`nianbao collect`."""

from __future__ import annotations

from datetime import date

from nianbao.cli.common import CLEAN, FINDINGS, say, warn
from nianbao.collecting import Collected
from nianbao.errors import InputError
from nianbao.ledger.members import read_date

_MOST = 40


def tell(collected: Collected) -> int:
    """Say where each agency stands and what was written, and return the exit status."""
    _tell(collected)
    return CLEAN if collected.ok else FINDINGS


def day(option: str, text: str | None) -> date | None:
    """Return the date that an option gives, None for none; raises InputError."""
    if text is None:
        return None
    try:
        found = read_date(text, 1)
    except ValueError:
        found = date(1, 1, 1)
    if found.year == 1:
        raise InputError(f"{option} 应为日期，如 2024-01-20，不是“{text}”")
    return found


def _tell(collected: Collected) -> None:
    ledger = collected.ledger
    say(ledger.counted())
    remarks = [remark for remark in ledger.remarks if remark.severity != "info"]
    for remark in remarks[:_MOST]:
        say(f"· {remark.message}")
    if len(remarks) > _MOST:
        say(f"· 另有{len(remarks) - _MOST}条，见台账")
    for line in ledger.lines:
        if line.status in ("returned", "explain"):
            counts = "，".join(
                f"{word}{n}个" for word, n in (("错误", line.errors), ("警告", line.warnings)) if n
            )
            say(f"· {line.member.name}：{counts}")
    for _, message in ledger.unreadable:
        warn(f"未能读取：{message}")
    for heading, text in ledger.notes:
        say(f"{heading}：{text}")
    if collected.notices:
        say(f"更正通知：{len(collected.notices)}份，在{collected.notices[0].parent}")
    if collected.signoffs:
        say(f"审签单：{len(collected.signoffs)}份，在{collected.signoffs[0].parent}")
    say(f"台账：{collected.workbook}")
    say(f"检查结果：{collected.results}")
