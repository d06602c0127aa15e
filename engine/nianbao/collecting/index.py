"""The ledger as plain JSON data: for programs and the web page, never read back as truth."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from nianbao.collecting.survey import Request
from nianbao.ledger.fingerprint import short
from nianbao.ledger.lines import STATUSES, Ledger, Line
from nianbao.ledger.signing import change_words
from nianbao.pack import Pack


def index_of(ledger: Ledger, pack: Pack) -> dict[str, Any]:
    """Return a ledger as plain data: counts, an entry for each agency, what is nobody's."""
    return {
        "pack": pack.id,
        "year": ledger.year,
        "today": ledger.today.isoformat(),
        "round": ledger.round,
        "since": ledger.since,
        "counts": {STATUSES[status]: count for status, count in ledger.counts.items()},
        "done": ledger.done,
        "findings": dict(ledger.states()) if ledger.since else {},
        "agencies": [_line(line, ledger, pack) for line in ledger.lines],
        "strays": [
            {"file": s.file, "agency": s.agency, "year": s.year, "message": s.remark.message}
            for s in ledger.strays
        ],
        "unreadable": [{"file": file, "message": message} for file, message in ledger.unreadable],
    }


def _line(line: Line, ledger: Ledger, pack: Pack) -> dict[str, Any]:
    adopted, progress = line.adopted, line.progress
    found: dict[str, Any] = {
        "agency": line.member.name,
        "code": line.member.code,
        "category": line.member.category,
        "due": line.member.due.isoformat(),
        "days_left": line.days_left(ledger.today),
        "status": STATUSES[line.status],
        "files": [draft.file for draft in line.drafts],
        "adopted": adopted.file if adopted else None,
        "first_received": line.first.isoformat() if line.first else None,
        "errors": line.errors,
        "warnings": line.warnings,
        "fingerprint": short(adopted.fingerprint) if adopted else None,
        "signed_by": line.signoff.by if line.signoff else None,
        "remarks": [remark.as_dict() for remark in line.remarks],
        "published": [
            {"file": p.file, "against": p.against, "differences": list(p.differences)}
            for p in line.publications
        ],
    }
    if progress is not None:
        found["progress"] = {
            "states": list(progress.states),
            "fixed": [{"rule": f.rule, "place": f.place, "message": f.message} for f in progress.fixed],
            "changes": list(change_words(progress.changes, pack)) if progress.changes else [],
        }
    return found


def inputs_of(
    workspace: Path, roster: Path, folder: Path, ask: Request, office: str, reply_by: date | None
) -> dict[str, Any]:
    """Return what a collection was made from, so that the page can look at it again.

    Paths are relative to the workspace, so that all may move together.
    """

    def near(source: object) -> str:
        try:
            return Path(os.path.relpath(str(source), workspace)).as_posix()
        except ValueError:  # another drive
            return Path(str(source)).absolute().as_posix()

    def many(source: object) -> list[str]:
        named = source if isinstance(source, list | tuple) else [source]
        return [near(each) for each in named if isinstance(each, str | Path)]

    return {
        "roster": near(roster),
        "folder": near(folder),
        "previous": many(ask.previous),
        "aliases": many(ask.aliases),
        "waivers": many(ask.waivers),
        "published": many(ask.published),
        "since": many(ask.since),
        "due": ask.due.isoformat() if ask.due else "",
        "reply_by": reply_by.isoformat() if reply_by else "",
        "office": office,
        "blank_as_zero": ask.blank_as_zero or "",
    }
