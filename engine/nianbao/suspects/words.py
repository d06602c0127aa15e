"""The one modest sentence that a suspect says for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nianbao.fields import FieldSet
from nianbao.findings import Value

# More cells than this are counted, not named.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a sentence says beside the cells: who else fits, what it looks like, what is uncertain."""

    hint: str = ""
    group: int = 0
    loose: bool = False


def sentence(
    fields: FieldSet, changes: Mapping[str, Value], now: Mapping[str, Value], about: Circumstances
) -> str:
    """Return the reason of a suspect: what would be wrong, what it should be, and that it is not certain."""
    known = [path for path, value in changes.items() if value is not None]
    unknown = [path for path, value in changes.items() if value is None]
    parts = []
    if unknown:
        parts.append(_undetermined(fields, unknown))
    if known:
        parts.append(_determined(fields, changes, now, known, about))
    if about.group > 1:
        unit = "格" if len(known) == 1 else "组"
        parts.append(f"规则分不清是下列{about.group}{unit}中的哪一{unit}")
    return "；".join((*parts, "请核对台账"))


def cells_of_violated_rules(count: int) -> str:
    """Return the words for how many cells there are to go through."""
    return f"{count}格"


def remainder(count: int, complete: bool) -> str:
    """Return the words for the sets that are not listed; empty where all are."""
    if count:
        return f"（另有{count}种{'' if complete else '以上'}改法同样能平衡，未列出）"
    return "" if complete else "（可能还有别的改法同样能平衡，未逐一查找）"


def _determined(
    fields: FieldSet,
    changes: Mapping[str, Value],
    now: Mapping[str, Value],
    known: Sequence[str],
    about: Circumstances,
) -> str:
    hint = f"（{about.hint}）" if about.hint else ""
    after = "改后各等式均平衡"
    values = "、".join(f"{_number(changes[path])}（现为{_number(now[path])}）" for path in known)
    if len(known) == 1:
        return f"若仅「{fields.place(known[0])}」一格有误{hint}，则应为{values}，{after}"
    places = "」和「".join(("」、「".join(fields.place(path) for path in known[:-1]), fields.place(known[-1])))
    loose = "取值不止一种，例如分别" if about.loose else "则应分别"
    return f"若「{places}」{_count(len(known))}格有误{hint}，{loose}为{values}，{after}"


def _undetermined(fields: FieldSet, paths: Sequence[str]) -> str:
    named = "、".join(f"「{fields.place(path)}」" for path in paths[:_NAMED])
    more = f"等{len(paths)}格" if len(paths) > _NAMED else f"{len(paths)}格"
    return f"错处较多，规则只能看出{named}{more}中有误，不能确定是哪几格"


def _count(number: int) -> str:
    return "两" if number == 2 else "一二三四五六七八九十"[number - 1] if number <= 10 else str(number)


def _number(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
