"""What the service does with a request, from files to bytes; runs in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from nianbao.beside import Beside, Tally
from nianbao.bind import bind
from nianbao.errors import InputError, OutputError, RenderError
from nianbao.filenames import Namer, safe_name
from nianbao.labels import normal
from nianbao.outputs.results.checkjson import check_json, encodable
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check_many
from nianbao.readers import read_raw
from nianbao.rendering.context import filled_name
from nianbao.rendering.template import CompiledTemplate, compile_template
from nianbao.report import Report, exchanged
from nianbao.web import downloads
from nianbao.web.downloads import DOCX, XLSX, Printer
from nianbao.web.uploads import Refused, Stored, renamed

JSON = "application/json"
_KINDS: Mapping[str, tuple[str, str]] = {
    "docx": (DOCX, ".docx"),
    "pdf": ("application/pdf", ".pdf"),
    "html": ("text/html; charset=utf-8", ".html"),
    "html-fragment": ("text/html; charset=utf-8", ".fragment.html"),
}


@dataclass(frozen=True)
class Job:
    """What a request brings: files by part, options by name, and a folder that is removed afterwards."""

    pack: Pack
    folder: Path
    parts: Mapping[str, Sequence[Stored]]
    options: Mapping[str, str]
    printer: Printer

    @property
    def files(self) -> Sequence[Stored]:
        """All files that the request brought."""
        return [file for files in self.parts.values() for file in files]

    @cached_property
    def beside(self) -> Beside:
        """Last year's reports and the explanations; raises InputError, OutputError."""

        def paths(part: str) -> list[Path]:
            return [file.path for file in self.parts[part]]

        aliases = paths("aliases")
        if len(aliases) > 1:
            raise Refused(422, "aliases", "别名表只能有一个文件")
        return Beside.read(
            self.pack, paths("previous") or None, aliases[0] if aliases else None, paths("waivers")
        )


@dataclass(frozen=True)
class Answer:
    """What goes back: bytes of a kind, under a name where it is a file."""

    content: bytes
    kind: str = JSON
    name: str = ""
    status: int = 200


class Readable:
    """The reports of a request, and the files that could not be read."""

    def __init__(self, job: Job, part: str = "files") -> None:
        """Read a part of a request; raises Refused where it holds no report."""
        if not job.parts[part]:
            raise Refused(422, "no-files", f"没有收到文件；请在 {part} 中给出，或以JSON给出报告")
        self.job = job
        self.unreadable: list[tuple[str, str]] = []
        self.reports = list(self._read(job.parts[part]))
        if not self.reports:
            reasons = "；".join(message for _, message in self.unreadable)
            raise Refused(422, "unreadable", reasons or "文件里没有报告")

    def _read(self, files: Sequence[Stored]) -> Iterator[Report]:
        reason = self.job.options.get("blank_as_zero")
        for file in files:
            try:
                for raw in read_raw(file.path, self.job.pack):
                    yield bind(raw, self.job.pack, reason)
            except InputError as error:
                self.unreadable.append((file.name, str(renamed(error.message, [file]))))

    def checked(self) -> list[CheckResult]:
        """Return the reports with their findings."""
        beside = self.job.beside
        return list(check_many(self.reports, self.job.pack, beside.previous, waivers=beside.waivers))


def check(job: Job) -> Answer:
    """Return what ``nianbao check --format json`` prints."""
    readable = Readable(job)
    return Answer(_json(job, _check_data(job, readable, readable.checked())))


def _check_data(job: Job, readable: Readable, results: Sequence[CheckResult]) -> dict[str, Any]:
    tally = Tally(job.beside, job.pack)
    for result in results:
        report = result.report
        figures = {path: report.value(path) for path in tally.tracked(report)}
        tally.add(report.agency, report.year, result.findings, figures)
    unreadable = [*readable.unreadable, *job.beside.unreadable]
    return check_json(results, unreadable, job.pack, tally.as_dict())


def read(job: Job) -> Answer:
    """Return the data of the reports, each with its source and what reading met."""
    readable = Readable(job)
    data = {
        "pack": job.pack.id,
        "reports": [
            {
                "agency": report.agency,
                "year": report.year,
                "source": report.source.as_dict(),
                "data": exchanged(report.data),
                "findings": [finding.as_dict() for finding in report.findings],
            }
            for report in readable.reports
        ],
        "unreadable": [{"file": file, "message": message} for file, message in readable.unreadable],
    }
    return Answer(_json(job, encodable(data)))


def render(job: Job) -> Answer:
    """Return the report that was brought as a file, several as a zip archive.

    Where one has errors and no reason is given to allow them, the answer is that of `check`, with status 409.
    """
    form = job.options.get("format", "docx")
    if form not in _KINDS:
        raise Refused(422, "format", f"format 只能是{'、'.join(_KINDS)}，不是“{form[:40]}”")
    template = _template(job)
    readable = Readable(job)
    results = readable.checked()
    failed = [result for result in results if not result.ok]
    if readable.unreadable or (failed and not job.options.get("allow_errors")):
        return Answer(_json(job, _check_data(job, readable, results)), status=409)
    kind, suffix = _KINDS[form]
    namer = Namer()
    made: list[tuple[str, bytes]] = []
    for result in results:
        name, _ = namer.name(filled_name(job.pack, result.report.agency or "未填单位", result.report.year))
        name += suffix if result.ok else f"（未通过校验）{suffix}"
        made.append((name, _rendered(job, result.report, form, template)))
    if len(made) == 1:
        return Answer(made[0][1], kind, made[0][0])
    return Answer(downloads.as_zip(made), "application/zip", f"{safe_name(job.pack.title)}.zip")


def _rendered(job: Job, report: Report, form: str, template: CompiledTemplate | None) -> bytes:
    try:
        return downloads.rendered(report, job.pack, form, job.printer, template=template)
    except RenderError as error:
        raise Refused(422, "RenderError", error.message) from None
    except OutputError as error:
        raise Refused(501, "OutputError", error.message) from None


def _template(job: Job) -> CompiledTemplate | None:
    """Return the template of the pack that the request names; raises Refused."""
    name = job.options.get("template")
    if not name:
        return None
    files = {str(t["name"]): str(t["file"]) for t in job.pack.meta["template"]}
    if name not in files:
        raise Refused(422, "template", f"没有模板“{name[:40]}”；可用的有：{'、'.join(files)}")
    return _compiled(job.pack.sources[files[name]], files[name])


@lru_cache(maxsize=16)
def _compiled(content: bytes, name: str) -> CompiledTemplate:
    return compile_template(content, name)


def form(job: Job) -> Answer:
    """Return a fill-in form: blank, for an agency, or with what its last year carries forward."""
    agency, year = job.options.get("agency", ""), job.options.get("year", "")
    if year and not (year.isascii() and year.isdigit() and len(year) == 4):
        raise Refused(422, "year", "year 应为四位年份")
    known: dict[str, Any] = {"agency": agency} if agency else {}
    if year:
        known["year"] = int(year)
    last = None
    if job.parts["previous"]:
        last = _of_agency(agency, Readable(job, "previous").reports)
        known.setdefault("agency", last.agency)
        if last.year:
            known.setdefault("year", last.year + 1)
    try:
        content = downloads.blank_form(job.pack, known, last)
    except OutputError as error:
        raise Refused(422, "OutputError", error.message) from None
    name = filled_name(job.pack, str(known.get("agency", "空白")), known.get("year"))
    return Answer(content, XLSX, f"{safe_name(name)}填报表.xlsx")


def _of_agency(agency: str, reports: Sequence[Report]) -> Report:
    """Return last year's report of an agency, the only one where none is named; raises Refused."""
    found = [r for r in reports if not agency or normal(r.agency) == normal(agency)]
    if len(found) != 1:
        what = (
            f"有{len(found)}份“{agency}”的报告" if agency else f"有{len(found)}份报告，请用 agency 指明单位"
        )
        raise Refused(422, "previous", f"上年数据里{what}")
    return found[0]


def _json(job: Job, data: Any) -> bytes:
    """Return JSON in which files have the names that the request gave them."""
    return json.dumps(renamed(data, job.files), ensure_ascii=False).encode()
