"""Where the files of a roll-up go: the report, and beside it the workbooks and the record."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from nianbao.consolidation import Rollup
from nianbao.consolidation.adjustments import summed
from nianbao.consolidation.record import Record, record_json
from nianbao.errors import OutputError
from nianbao.filenames import MATRIX_FILE, RECORD_FILE, TEXTS_FILE, safe_name
from nianbao.manifest import VOIDED
from nianbao.outputs.files import make_folder, move, replacing, write_atomic
from nianbao.outputs.rollup.matrix import write_matrix
from nianbao.outputs.rollup.texts import write_texts
from nianbao.outputs.rollup.watermark import with_watermark
from nianbao.pack import Pack
from nianbao.pipeline import render
from nianbao.report import exchanged

UNCHECKED = "未通过校验"


@dataclass(frozen=True)
class Places:
    """The files of a roll-up into `out`, which is called as its report would be."""

    out: Path

    @classmethod
    def of(cls, out: Path) -> Places:
        """Return the places for an output; raises OutputError for one that is no Word file."""
        if out.suffix.lower() != ".docx":
            raise OutputError(f"汇总报告写成Word文件，文件名须以.docx结尾，不是“{out.name}”", file=str(out))
        return cls(out)

    def marked(self, *marks: str) -> Path:
        """Return the report's own file, with what keeps it from being final in its name."""
        said = "、".join(filter(None, marks))
        return self.out.with_name(f"{self.out.stem}{f'（{safe_name(said)}）' if said else ''}.docx")

    @property
    def matrix(self) -> Path:
        """The contribution matrix."""
        return self.out.with_name(f"{self.out.stem}{MATRIX_FILE}")

    @property
    def texts(self) -> Path:
        """The members' texts."""
        return self.out.with_name(f"{self.out.stem}{TEXTS_FILE}")

    @property
    def record(self) -> Path:
        """The record that a later roll-up compares itself with."""
        return self.out.with_name(f"{self.out.stem}{RECORD_FILE}")


@dataclass(frozen=True)
class Written:
    """What was written: the report, None where it failed (its data beside it); what was moved away."""

    report: Path | None
    places: Places
    voided: tuple[str, ...] = ()


def write_rollup(
    places: Places,
    rollup: Rollup,
    pack: Pack,
    *,
    allow_errors: str | None = None,
    notes: tuple[tuple[str, str], ...] = (),
    earlier: Record | None = None,
) -> Written:
    """Write the files of a roll-up; one with errors has no report unless `allow_errors` gives a reason.

    A report that the `earlier` roll-up wrote and that is no longer right moves to 已作废. Raises OutputError,
    RenderError.
    """
    make_folder(places.out.parent)
    unchecked = "" if rollup.ok else UNCHECKED
    if allow_errors and unchecked:
        notes = (*notes, ("未通过校验仍生成的理由", allow_errors))
    write_matrix(places.matrix, rollup, pack, notes)
    write_texts(places.texts, rollup, pack)
    report = None
    if rollup.ok or allow_errors:
        report = places.marked(rollup.draft, unchecked)
        write_atomic(report, report_docx(rollup, pack))
        text = json.dumps(exchanged(rollup.report.data), ensure_ascii=False, indent=1)
        write_atomic(report.with_suffix(".json"), f"{text}\n".encode("utf-8", "replace"))
    outputs = (report.name, report.with_suffix(".json").name) if report is not None else ()
    voided = _void(places.out.parent, earlier.outputs if earlier else (), outputs)
    if record := _record(rollup, outputs, earlier, pack):
        with replacing(places.record) as stream:
            stream.writelines(record_json(record, pack))
    return Written(report, places, voided)


def report_docx(rollup: Rollup, pack: Pack) -> bytes:
    """Return the Word file of the whole, with a watermark that says why it is not final."""
    docx = render(rollup.report, pack)
    marks = "、".join(filter(None, (rollup.draft, "" if rollup.ok else UNCHECKED)))
    return with_watermark(docx, marks) if marks else docx


def _record(rollup: Rollup, outputs: tuple[str, ...], earlier: Record | None, pack: Pack) -> Record | None:
    """Return what the next roll-up compares itself with: the last one that came to a report."""
    if not outputs:
        return replace(earlier, outputs=()) if earlier is not None else None
    policy = pack.rollup
    assert policy is not None, "only a pack with a policy rolls up"
    made = Record.of(rollup.agency, rollup.year, policy, rollup.members, rollup.within)
    return replace(made, outputs=outputs, adjusted=summed(rollup.adjustments))


def _void(folder: Path, before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Move what an earlier roll-up wrote and this one did not to 已作废; return the names."""
    gone = [
        name for name in before if name not in now and Path(name).name == name and (folder / name).is_file()
    ]
    if gone:
        make_folder(folder / VOIDED)
    for name in gone:
        move(folder / name, folder / VOIDED / name)
    return tuple(gone)
