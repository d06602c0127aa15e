"""The one modest sentence that a suspect says for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nianbao.fields import FieldSet
from nianbao.findings import Value

# Cells that cannot be determined are named up to this number, and counted beyond it.
_NAMED = 3
_NUMERALS = "零一两三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a sentence says beside the cells.

    `hint` is what it looks like, `group` how many suspects the rules cannot tell apart, `loose` whether the
    values are one choice of several.
    """

    hint: str = ""
    group: int = 1
    loose: bool = False


def sentence(
    fields: FieldSet, changes: Mapping[str, Value], now: Mapping[str, Value], about: Circumstances
) -> str:
    """Return the reason of a suspect: what would be wrong and what it should be, as far as can be told."""
    known = [path for path, value in changes.items() if value is not None]
    unknown = [path for path, value in changes.items() if value is None]
    values = "、".join(f"{_number(changes[path])}（现为{_number(now[path])}）" for path in known)
    clauses = []
    if unknown:
        clauses.append(_undetermined(fields, unknown))
    if known and unknown:
        clauses.append(f"另{_places(fields, known)}如有误，应为{values}")
    elif known:
        clauses.append(_determined(fields, known, values, about))
    if about.group > 1:
        clauses.append(f"这样能平衡的改法有{about.group}种，规则分不清是哪一种")
    return "；".join((*clauses, "请核对台账"))


def remainder(more: int, complete: bool) -> str:
    """Return the words for sets that are not listed; empty where all are."""
    if not complete:
        return "（可能还有别的改法同样能平衡，未逐一列出）"
    return f"（另有{more}种改法同样能平衡，未列出）" if more else ""


def _determined(fields: FieldSet, known: Sequence[str], values: str, about: Circumstances) -> str:
    hint = f"（{about.hint}）" if about.hint else ""
    if len(known) == 1:
        return f"若仅{_places(fields, known)}一格有误{hint}，则应为{values}，改后勾稽关系均平衡"
    should = "取值不止一种，例如分别为" if about.loose else "则应分别为"
    count = _NUMERALS[len(known)] if len(known) < len(_NUMERALS) else str(len(known))
    return f"若{_places(fields, known)}{count}格有误{hint}，{should}{values}，改后勾稽关系均平衡"


def _undetermined(fields: FieldSet, paths: Sequence[str]) -> str:
    some = _places(fields, paths[:_NAMED])
    etc = "等" if len(paths) > _NAMED else ""
    return f"错处较多，规则只能看出{some}{etc}{len(paths)}格中有误，不能确定是哪几格"


def _places(fields: FieldSet, paths: Sequence[str]) -> str:
    places = [f"「{fields.place(path)}」" for path in paths]
    return "和".join(("、".join(places[:-1]), places[-1])) if len(places) > 1 else places[0]


def _number(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
