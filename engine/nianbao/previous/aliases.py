"""Reorganisations: which agencies were renamed, merged, split or abolished since last year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from nianbao.agencies import agency_key
from nianbao.errors import InputError
from nianbao.findings import Where
from nianbao.readers.tables import TableRow, read_table

Kind = Literal["renamed", "merged", "split", "abolished"]

_HEADINGS: Mapping[str, Sequence[str]] = {
    "old": ("原单位", "原单位名称", "原名称", "上年单位", "上年名称", "旧名称", "old", "from"),
    "new": ("现单位", "现单位名称", "现名称", "新单位", "新名称", "本年单位", "本年名称", "new", "to"),
    "kind": ("变动", "变动类型", "变动情况", "类型", "方式", "情形", "kind"),
    "year": ("年度", "生效年度", "报告年度", "year"),
}
_KINDS: Mapping[Kind, Sequence[str]] = {
    "renamed": ("改名", "更名", "名称变更", "renamed"),
    "merged": ("合并", "并入", "划入", "merged"),
    "split": ("拆分", "分立", "分设", "split"),
    "abolished": ("撤销", "取消", "不再保留", "abolished"),
}
_Counts = Mapping[tuple[str, int | None], int]
_KIND_OF: Mapping[str, Kind] = {word: kind for kind, words in _KINDS.items() for word in words}


@dataclass(frozen=True)
class Change:
    """One agency of last year and what became of it; `new` is empty where it was abolished.

    `year` is the first year that the new agency reports about, None for every year.
    """

    old: str
    new: str
    kind: Kind
    year: int | None = None
    where: Where = field(default_factory=Where)


@dataclass(frozen=True)
class Aliases:
    """What became of last year's agencies."""

    changes: tuple[Change, ...] = ()

    def origins(self, agency: str, year: int) -> list[Change]:
        """Return what an agency of this `year` came out of; empty if it is what it was."""
        return [c for c in self._by_new.get(agency_key(agency), ()) if c.year in (None, year)]

    def fate(self, agency: str, year: int) -> list[Change]:
        """Return what became of an agency of the year before `year`; empty if it is what it was."""
        return [c for c in self._by_old.get(agency_key(agency), ()) if c.year in (None, year)]

    @cached_property
    def _by_new(self) -> Mapping[str, list[Change]]:
        return _grouped((c.new, c) for c in self.changes if c.new)

    @cached_property
    def _by_old(self) -> Mapping[str, list[Change]]:
        return _grouped((c.old, c) for c in self.changes)


def _grouped(pairs: Iterable[tuple[str, Change]]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for name, change in pairs:
        found.setdefault(agency_key(name), []).append(change)
    return found


def as_aliases(source: object) -> Aliases:
    """Return the aliases of a file, or those given, or none; raises InputError."""
    if source is None:
        return Aliases()
    return source if isinstance(source, Aliases) else read_aliases(Path(str(source)))


def read_aliases(path: Path) -> Aliases:
    """Return the aliases of a workbook or CSV with the columns 原单位, 现单位, 变动 and, if need be, 年度.

    A row whose 变动 is blank is read as what it looks like: no new agency means abolished, several old ones
    merged, several new ones split. Raises InputError naming the row that cannot be meant.
    """
    rows = read_table(path, _HEADINGS, ("old", "new"), "别名表")
    changes = [_change(row) for row in rows]
    into = Counter((agency_key(c.new), c.year) for c in changes if c.new)
    out_of = Counter((agency_key(c.old), c.year) for c in changes)
    known = [
        c if row.get("kind") else replace(c, kind=_looks_like(c, into, out_of))
        for c, row in zip(changes, rows, strict=True)
    ]
    for change in known:
        _verify(change, into, out_of)
    return Aliases(tuple(known))


def _change(row: TableRow) -> Change:
    word, year = row.get("kind"), row.get("year").removesuffix("年度").removesuffix("年")
    if not row.get("old"):
        raise _wrong(row.where, "没有填原单位；新设的单位不用写进别名表")
    if word and word not in _KIND_OF:
        raise _wrong(row.where, f"变动写的是“{word}”，应为{'、'.join(words[0] for words in _KINDS.values())}")
    if year and not (year.isdecimal() and len(year) == 4):
        raise _wrong(row.where, f"年度写的是“{year}”，应为四位年份")
    kind = _KIND_OF.get(word, "renamed")
    return Change(row.get("old"), row.get("new"), kind, int(year) if year else None, row.where)


def _looks_like(change: Change, into: _Counts, out_of: _Counts) -> Kind:
    if not change.new:
        return "abolished"
    if out_of[agency_key(change.old), change.year] > 1:
        return "split"
    return "merged" if into[agency_key(change.new), change.year] > 1 else "renamed"


def _verify(change: Change, into: _Counts, out_of: _Counts) -> None:
    """Raise InputError where a row contradicts itself or others."""
    if change.kind == "abolished" and change.new:
        raise _wrong(change.where, "撤销的单位不应有现单位；职能划入其他单位的请写“合并”")
    if change.kind != "abolished" and not change.new:
        raise _wrong(change.where, f"没有填{change.old}的现单位；撤销的请写“撤销”")
    if change.kind == "renamed":
        if into[agency_key(change.new), change.year] > 1:
            raise _wrong(change.where, f"{change.new}由几个单位而来，请写“合并”")
        if out_of[agency_key(change.old), change.year] > 1:
            raise _wrong(change.where, f"{change.old}变成了几个单位，请写“拆分”")


def _wrong(where: Where, message: str) -> InputError:
    name = Path(where.file or "").name
    return InputError(f"别名表{name}“{where.sheet}”第{where.row}行：{message}", file=where.file)
