"""What is wrong with the members of a roll-up taken together: counted twice, another year, not allowed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from nianbao.agencies import agency_key, code_key
from nianbao.consolidation.levels import circles, holders, levels_of
from nianbao.consolidation.members import Key, Member, category_words
from nianbao.findings import Finding, Severity, Where
from nianbao.pack import Pack
from nianbao.policy import Policy, ScopeKind

_Table = tuple[str, int, int]
_Wide = tuple[Member, ScopeKind]
OTHER_YEAR = "ROLLUP-YEAR"
# Names that a sentence lists.
_NAMED = 10


def main_year(members: Sequence[Member]) -> int | None:
    """Return the year of most members, of several the latest."""
    years = Counter(member.year for member in members if member.year is not None)
    return max(years, key=lambda year: (years[year], year)) if years else None


def conflicts(
    members: Sequence[Member], agency: str, pack: Pack, policy: Policy, name: Key
) -> Iterator[Finding]:
    """Yield what is wrong with members that count."""
    levels = levels_of(members, policy)
    circular = list(circles(levels, agency, policy, name))
    told = {finding.where for finding in circular}
    yield from _failed(members)
    yield from _doubled(members, policy, name)
    yield from circular
    held = holders([level for level in levels if level.member.source not in told], name)
    yield from _contained(members, agency, policy, name, held)
    yield from _alike(members, pack, policy)
    yield from _beyond_limits(members, pack, policy)
    yield from _of_no_category(members, pack, policy)


def _failed(members: Sequence[Member]) -> Iterator[Finding]:
    for member in members:
        if member.errors:
            advice = "请改正或写情况说明（--waivers），或用--allow-errors写明理由"
            message = (
                f"{member.agency}未通过校验（{member.errors}个错误），不能汇总：{member.trouble}；{advice}"
            )
            yield _finding("ROLLUP-FAILED", "error", member, message)


def other_years(members: Sequence[Member], year: int | None) -> Iterator[Finding]:
    """Yield one finding for all members of each other year."""
    by_year: dict[int | None, list[Member]] = defaultdict(list)
    for member in members:
        by_year[member.year].append(member)
    for other in sorted(by_year, key=lambda other: other or 0):
        same = sorted(by_year[other], key=lambda member: member.agency)
        names = "、".join(member.agency for member in same[:_NAMED])
        count = f"{'等' if len(same) > _NAMED else '共'}{len(same)}份"
        whose = f"{names}{count if len(same) > 1 else '的'}报告"
        what = f"是{other}年的" if other else "没有写年度"
        message = f"{whose}{what}，本次汇总的是{year}年，没有计入；请换成{year}年的报告"
        yield _finding(OTHER_YEAR, "error", same[0], message, "year")


def _doubled(members: Sequence[Member], policy: Policy, name: Key) -> Iterator[Finding]:
    by_name: dict[tuple[str, int | None], list[Member]] = defaultdict(list)
    by_code: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        # Those of several years are told already.
        by_name[name(member.agency), member.year].append(member)
        if code := code_key(member.said.get(policy.code)):
            by_code[code].append(member)
    for same in by_name.values():
        if len(same) > 1:
            files = "、".join(file_of(member.source) for member in same)
            message = f"{same[0].agency}有{len(same)}份报告（{files}），会重复计入；请只留一份"
            yield _finding("ROLLUP-DOUBLED", "error", same[1], message)
    for code, same in by_code.items():
        names = list(dict.fromkeys(member.agency for member in same))
        if len({name(each) for each in names}) > 1:
            message = f"{'、'.join(names)}的代码都是{code}，可能是同一单位，疑似重复计入；请核对"
            yield _finding("ROLLUP-CODE", "warning", same[1], message, policy.code)


def _contained(
    members: Sequence[Member], agency: str, policy: Policy, name: Key, held: Mapping[str, _Wide]
) -> Iterator[Finding]:
    """Yield a finding for each member that a report of a wider scope already holds.

    The record of that roll-up (`held`) or the roster says so, or the member's name begins with that of the
    region and its category belongs to the scope.
    """
    regions = _Regions(members, policy.region_of(agency), policy)
    for member in members if regions or held else ():
        listed = held.get(name(member.agency)) or regions.named(member.parent, name)
        found = listed or regions.around(member)
        if found is None or found[0] is member or found[0].agency == member.agency:
            continue
        parent, kind = found
        if kind is policy.scopes[-1] and name(parent.agency) == name(agency):
            # That the result is no member of itself is told already.
            continue
        if listed is not None or member.said.get(policy.category) in kind.covers:
            words = policy.scope_words(kind, parent.agency)
            message = f"{member.agency}已含在{parent.agency}{words}中，会重复计入；请去掉其中之一"
            yield _finding("ROLLUP-CONTAINED", "error", member, message)


class _Regions:
    """The members that speak for more than themselves, by the region that their names begin with."""

    def __init__(self, members: Sequence[Member], top: str, policy: Policy) -> None:
        self.top = top
        self.wide = [
            (member, kind) for member in members if (kind := policy.scope_of(member.said.get(policy.scope)))
        ]
        self._by_region: dict[str, _Wide] = {}
        for member, kind in self.wide:
            region = policy.region_of(member.agency) or agency_key(member.agency)
            self._by_region.setdefault(_below(region, top), (member, kind))

    def __bool__(self) -> bool:
        return bool(self.wide)

    def named(self, parent: str, name: Key) -> _Wide | None:
        """Return the member of a name as it is compared."""
        return next((wide for wide in self.wide if parent and name(wide[0].agency) == parent), None)

    def around(self, member: Member) -> _Wide | None:
        """Return the report of the smallest region that a member's name begins with."""
        key, known = _below(agency_key(member.agency), self.top), self._by_region
        lengths = range(len(key) - 1, -1, -1)
        return next((known[key[:length]] for length in lengths if key[:length] in known), None)


def _below(name: str, top: str) -> str:
    """Return a name without that of the whole region, which districts are often written without."""
    return name.removeprefix(top) if top else name


def _alike(members: Sequence[Member], pack: Pack, policy: Policy) -> Iterator[Finding]:
    """Yield a finding for members that have the same figures: in all, or in a table that has many."""
    whole = [("各表", 0, len(policy.fields))]
    said: set[tuple[int, int]] = set()
    for title, start, end in (*whole, *_tables(pack, policy)):
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for number, member in enumerate(members):
            figures = member.figures[start:end]
            filled = sum(map(bool, figures))
            if filled >= (policy.alike if end - start < len(policy.fields) else 1):
                groups[figures].append(number)
        for same in groups.values():
            for other in same[1:]:
                if (same[0], other) not in said:
                    said.add((same[0], other))
                    first, second = members[same[0]], members[other]
                    message = f"{first.agency}与{second.agency}{title}的数字完全相同，疑似重复计入；请核对"
                    yield _finding("ROLLUP-SAME", "warning", second, message)


def _tables(pack: Pack, policy: Policy) -> Iterator[_Table]:
    """Yield each table with where its figures begin and end among those that are added."""
    for table in pack.tables:
        inside = [n for n, field in enumerate(policy.fields) if field.path.startswith(f"{table.path}.")]
        if inside:
            yield table.name, inside[0], inside[-1] + 1


def _beyond_limits(members: Sequence[Member], pack: Pack, policy: Policy) -> Iterator[Finding]:
    places = {field.path: number for number, field in enumerate(policy.fields)}
    for member in members:
        for number, path in dict.fromkeys((places[p], p) for limit in policy.limits for p in limit.fields):
            value = member.figures[number]
            if not value:
                continue
            limit = next((x for x in policy.limits if path in x.fields and x.applies(member.said)), None)
            if limit is not None:
                category = category_words(member.said.get(policy.category), pack, policy)
                words = {"agency": member.agency, "category": category, "value": f"{value:f}"}
                message = limit.message.format(place=pack.fields.place(path), **words)
                yield _finding("ROLLUP-LIMIT", limit.severity, member, message, path)


def _of_no_category(members: Sequence[Member], pack: Pack, policy: Policy) -> Iterator[Finding]:
    """Yield one finding for all members of which nobody knows whether they count at all."""
    unknown = [member for member in members if not member.said.get(policy.category)]
    if unknown and policy.excluded:
        names = "、".join(member.agency for member in unknown[:_NAMED])
        whose = f"{names}{f'等{len(unknown)}家' if len(unknown) > _NAMED else ''}"
        out = "、".join(category_words(value, pack, policy) for value in sorted(policy.excluded))
        message = f"{whose}没有写类别，已计入；{out}不应计入，请在名录（--agencies）里写明类别"
        yield _finding("ROLLUP-CATEGORY", "warning", unknown[0], message, policy.category)


def _finding(
    rule: str, severity: Severity, member: Member, message: str, field: str | None = "agency"
) -> Finding:
    return Finding(rule, severity, field or None, member.source, message)


def file_of(where: Where) -> str:
    """Return the name of a member's file, with row or sheet where a file holds many."""
    name = PurePath((where.file or "").replace("\\", "/")).name or "给出的数据"
    number = where.row or where.line
    return f"{name}第{number}行" if number else f"{name}{f' {where.sheet}' if where.sheet else ''}"
