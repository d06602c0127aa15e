"""The sentence that says what a roll-up holds, and the mark of a draft: patterns of the pack, filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nianbao.consolidation.adjustments import Adjustment
from nianbao.consolidation.members import Excluded, Member, category_words
from nianbao.pack import Pack
from nianbao.policy import Policy, ScopeKind

# Names that a sentence lists.
_LISTED = 5


def statement_of(
    agency: str,
    scope: ScopeKind,
    members: Sequence[Member],
    excluded: Sequence[Excluded],
    missing: Sequence[str],
    lines: Sequence[Adjustment],
    pack: Pack,
) -> str:
    """Return what the figures hold as one sentence for the report: 口径说明."""
    policy = pack.rollup
    assert policy is not None, "only a pack with a policy rolls up"
    words = policy.statement
    counted = sum(not line.follows for line in lines)
    left_out = _names([each.agency for each in excluded if each.of_year is None])
    return words["text"].format(
        agency=agency,
        scope=policy.scope_words(scope, agency),
        members=categories(members, pack, policy),
        count=len(members),
        excluded=words["excluded"].format(names=left_out) if left_out else "",
        adjusted=words["adjusted"].format(count=counted) if counted else "",
        missing=words["missing"].format(names=_names(missing)) if missing else "",
    )


def categories(members: Sequence[Member], pack: Pack, policy: Policy) -> str:
    """Return how many members there are of each category: 政府1个、部门4个."""
    known = pack.fields.find(policy.category)
    order = [value for value, _ in known.choices] if known else []
    counts = Counter(member.said.get(policy.category) for member in members)
    ranked = sorted(counts, key=lambda value: order.index(str(value)) if value in order else len(order))
    return "、".join(f"{category_words(value, pack, policy)}{counts[value]}个" for value in ranked)


def draft_mark(missing: Sequence[str], worded: bool, policy: Policy) -> str:
    """Return why the report is only a draft: 缺3家，仅为草稿. Empty where it is none."""
    reasons = [policy.draft["missing"].format(count=len(missing))] if missing else []
    reasons += [] if worded else [policy.draft["words"]]
    return policy.draft["text"].format(reasons="、".join(reasons)) if reasons else ""


def _names(names: Sequence[str]) -> str:
    more = f"等{len(names)}个单位" if len(names) > _LISTED else ""
    return "、".join(names[:_LISTED]) + more
