"""Whose a report is: by name, former names, code, last by its texts, and never by file name alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from nianbao.agencies import agency_key, code_key
from nianbao.ledger.members import Member
from nianbao.pack import Pack
from nianbao.report import Report

How = Literal["name", "former", "code", "content", "assigned", ""]
# Shorter names (住建局) occur by chance inside others.
_SHORTEST = 3


@dataclass(frozen=True)
class Assignment:
    """Whose a report is: the number of the member, or None; `how` it was found and what to say of that."""

    member: int | None
    how: How = ""
    remark: str = ""


class Roll:
    """The members of a collection, found by their names and codes.

    `latest` gives what two names of one agency have in common (see `matching.current_name`), `code` is the
    field that holds an agency's code. A former name or code that several members share finds none.
    """

    def __init__(
        self, members: Sequence[Member], pack: Pack, latest: Callable[[str], str] = agency_key
    ) -> None:
        self.members, self.pack, self.latest = members, pack, latest
        self.code = str(pack.meta.get("code", ""))
        self._names = _unique((agency_key(m.name), i) for i, m in enumerate(members))
        self._renamed = _unique((latest(m.name), i) for i, m in enumerate(members))
        self._formers = _unique(
            (agency_key(former), i) for i, m in enumerate(members) for former in m.formers
        )
        self._codes = _unique((code_key(m.code), i) for i, m in enumerate(members) if m.code)

    def named(self, name: str) -> int | None:
        """Return the member of a name, its former and later ones included."""
        key = agency_key(name)
        for found in (self._names.get(key), self._formers.get(key), self._renamed.get(self.latest(name))):
            if found is not None:
                return found
        return None

    def assign(self, report: Report) -> Assignment:
        """Return whose a report is."""
        by_name = self.named(report.agency) if report.agency else None
        code = code_key(report.value(self.code)) if self.code else ""
        by_code = self._codes.get(code) if code else None
        if by_name is not None and by_code is not None and by_name != by_code:
            one, other = self.members[by_name].name, self.members[by_code].name
            return Assignment(None, "", f"单位名称是{one}，代码却是{other}的，请核对后指定")
        if by_name is not None:
            return self._by_name(report, by_name)
        if by_code is not None:
            name = self.members[by_code].name
            said = f"写的单位名称是“{report.agency}”，" if report.agency else "没有写单位名称，"
            return Assignment(by_code, "code", f"{said}按代码认作{name}，请核对")
        if report.agency:
            return Assignment(None, "", self._like(report.agency))
        return self._by_content(report)

    def _by_name(self, report: Report, index: int) -> Assignment:
        name = self.members[index].name
        if agency_key(report.agency) == agency_key(name):
            return Assignment(index, "name")
        return Assignment(index, "former", f"用的名称是“{report.agency}”，现名是{name}")

    def _by_content(self, report: Report) -> Assignment:
        """Return the member that the first text to name any of them names; none where it names several."""
        for field in self.pack.fields.plain:
            text = report.value(field.path)
            if field.is_number or not isinstance(text, str):
                continue
            found = self._mentioned(text)
            if len(found) == 1:
                name = self.members[found[0]].name
                return Assignment(
                    found[0], "content", f"没有写单位名称，按{field.place}里的“{name}”认定，请核对"
                )
            if found:
                break
        return Assignment(None)

    def _mentioned(self, text: str) -> list[int]:
        """Return the members that a text names; a name inside a longer one does not count."""
        squeezed = agency_key(text)
        found = [key for key in self._names if len(key) >= _SHORTEST and key in squeezed]
        whole = [key for key in found if not any(key != other and key in other for other in found)]
        return [index for key in whole if (index := self._names[key]) is not None]

    def _like(self, name: str) -> str:
        """Return what to say of a name that is nobody's, with the one member that it is alike to."""
        key = agency_key(name)
        alike = [
            member.name
            for member in self.members
            if min(len(key), len(member.name)) >= _SHORTEST
            and (key in agency_key(member.name) or agency_key(member.name) in key)
        ]
        said = f"报告里的单位名称是“{name}”"
        return f"{said}，可能是{alike[0]}" if len(alike) == 1 else said

    def hinted(self, file: str) -> str:
        """Return the member that a file's name names, only as a hint; empty for none or several."""
        found = self._mentioned(PurePath(file).stem)
        return self.members[found[0]].name if len(found) == 1 else ""


def _unique(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int | None]:
    """Return the number of each key, None for one that stands for several members."""
    found: dict[str, int | None] = {}
    for key, index in pairs:
        found[key] = index if found.get(key, index) == index else None
    return found
