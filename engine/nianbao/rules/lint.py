"""Mistakes in rules that read well but cannot be meant: found when a pack loads, never while it checks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nianbao.rules.expression import Comparison, Expression, ExpressionError

# What a message may name beside the words of the rule's variables.
FIGURES = ("left", "right", "difference", "tolerance")
_NAMED = re.compile(r"\{([^{}]*)\}")


def unused_sets(source: Mapping[str, Any]) -> list[str]:
    """Return the sets of a rules.toml that no rule uses, in order; its expressions have been read."""
    used: set[str] = set()
    for raw in source.get("rule", ()):
        items = raw.get("figures", ())
        figures = (path for item in items for path in ([item] if isinstance(item, str) else item))
        for text in (*(raw[key] for key in ("assert", "field", "when") if key in raw), *figures):
            used |= Expression.parse(text).used_names()
        used |= {step[1:] for steps in raw.get("each", {}).values() for step in steps if step.startswith("@")}
    return sorted(set(source.get("sets", {})) - used)


def doubled_members(sets: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return (set, member) of what stands in a set twice, and would be added up twice."""
    return [
        (name, member)
        for name, members in sets.items()
        for member in dict.fromkeys(members)
        if members.count(member) > 1
    ]


def check_variables(each: Mapping[str, Sequence[str]], assertion: Expression, sets: Collection[str]) -> None:
    """Raise ExpressionError for a variable that the assertion does not use, or that hides a set."""
    for variable in each:
        if variable in sets:
            raise ExpressionError(f"变量{variable}与集合同名，请改名", 1)
        if variable not in assertion.used_names():
            raise ExpressionError(f"没有用到 each 的变量{variable}，同一问题会报多次", 1)


def check_meaning(comparison: Comparison) -> None:
    """Raise ExpressionError for an assertion in which fields cancel out, or that no report can change."""
    left = dict(comparison.left.plus(comparison.right, -1).terms)
    if lost := [path for path in comparison.fields if path not in left]:
        raise ExpressionError(f"两边都有{lost[0]}，相互抵消", 1)
    if not left:
        raise ExpressionError("两边都没有栏目，与填报的数无关", 1)


def check_message(message: str, words: Collection[str]) -> None:
    """Raise ExpressionError for a word in braces that a message cannot fill in."""
    for match in _NAMED.finditer(message):
        if match[1] not in words and match[1] not in FIGURES:
            known = "、".join(f"{{{name}}}" for name in (*FIGURES, *sorted(words)))
            raise ExpressionError(f"message 里没有“{match[0]}”，可用：{known}", match.start() + 1)
