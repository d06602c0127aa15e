"""A notice as a text that can be pasted into an e-mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def mail_text(context: Mapping[str, Any], email: str) -> str:
    """Return a notice as plain text: to whom, subject, body; `context` is what its template sees."""
    return "\n".join(_lines(context, email)) + "\n"


def _lines(context: Mapping[str, Any], email: str) -> Iterator[str]:
    if email or context["contact"]:
        yield f"收件人：{' '.join(filter(None, (email, context['contact'])))}"
    what = f"{context['year']}年{context['subject']}"
    yield f"主题：{context['agency']}{what}：{context['verdict']}"
    yield ""
    yield f"{context['agency']}："
    yield ""
    source = f"（{context['source']}）" if context["source"] else ""
    yield f"你单位{what}{source}{context['verdict']}。"
    for matter in context["matters"]:
        yield f"· {matter}"
    if context["findings"]:
        yield ""
    for finding in context["findings"]:
        yield from _finding(finding)
    if context["fixed"]:
        yield ""
        yield f"上一轮提出的问题已改正{len(context['fixed'])}处。"
    yield ""
    yield _by_when(context)
    if context["findings"]:
        yield "确认无误、不能改的，请逐条书面说明理由，由负责人确认后报来。"
    yield ""
    if context["office"]:
        yield context["office"]
    yield context["date"]


def _finding(finding: Mapping[str, str]) -> Iterator[str]:
    state = f"·{finding['state']}" if finding["state"] else ""
    expected = f"，应为{finding['expected']}" if finding["expected"] else ""
    reported = f"填报{finding['value']}{expected}" if finding["value"] else ""
    place = "：".join(filter(None, (finding["place"], reported)))
    yield f"{finding['number']}. 【{finding['level']}{state}】{place}"
    yield f"   问题：{finding['message']}"
    if finding["requirement"]:
        yield f"   应满足：{finding['requirement']}"
    if finding["advice"]:
        yield f"   请核对：{finding['advice']}"


def _by_when(context: Mapping[str, Any]) -> str:
    if context["reply_by"]:
        return f"请在{context['reply_by']}前办理。"
    return f"报送期限（{context['due']}）已过，请立即办理。"
