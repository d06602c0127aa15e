"""Downloads: one report, all of them, the list, the marked workbook, blank forms, pages as pictures."""

from __future__ import annotations

from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nianbao.filenames import safe_name
from nianbao.pipeline import render
from nianbao.rendering.context import filled_name
from nianbao.web import downloads
from nianbao.web.documents import Checked
from nianbao.web.downloads import DOCX, XLSX, Printer
from nianbao.web.listing import as_csv, as_workbook, listing_of
from nianbao.web.pages import wanted
from nianbao.web.receiving import form_of
from nianbao.web.uploads import Refused, speaking_of
from nianbao.web.workspace import Workspace

SUMMARY = "检查结果"
_TYPES = {"docx": DOCX, "pdf": "application/pdf", "html": "text/html; charset=utf-8"}


class Files:
    """The downloads of one workspace."""

    def __init__(self, workspace: Workspace, printer: Printer) -> None:
        self.workspace, self.printer = workspace, printer

    def routes(self) -> list[Route]:
        """Return the routes of the downloads."""
        return [
            Route("/reports/{id:str}/file.{form:str}", self.report),
            Route("/reports/{id:str}/annotated.xlsx", self.annotated),
            Route("/reports/{id:str}/pages", self.pages),
            Route("/reports/{id:str}/pages/{number:int}.png", self.picture),
            Route("/all.zip", self.all),
            Route("/export", self.export, methods=["POST"]),
            Route("/form.xlsx", self.form),
            Route("/register.xlsx", self.register),
        ]

    async def report(self, request: Request) -> Response:
        """Return one report as a file; only what passes may be taken along."""
        item, form = wanted(self.workspace, request.path_params["id"]), request.path_params["form"]
        if form not in _TYPES:
            raise Refused(404, "format", f"没有{form}这种格式")
        if not item.result.ok:
            raise Refused(409, "fails", "这份报告有错误，改正后才能下载；标注的工作簿可以下载")
        pack = self.workspace.pack
        content = await to_thread.run_sync(
            downloads.rendered, item.report, pack, form, self.printer, _version(item)
        )
        return attachment(content, _TYPES[form], downloads.file_name(item.report, pack, f".{form}"))

    async def annotated(self, request: Request) -> Response:
        """Return the marked copy of the workbook in which a report stands."""
        item = wanted(self.workspace, request.path_params["id"])
        results = [o.result for o in self.workspace.checked() if o.document is item.document]
        path = item.document.file.path
        with speaking_of([item.document.file]):
            content = await to_thread.run_sync(downloads.annotated, path, results, self.workspace.pack)
        stem = item.document.file.name.rpartition(".")[0] or item.document.file.name
        return attachment(content, XLSX, f"{safe_name(stem)}（标注）.xlsx")

    async def pages(self, request: Request) -> Response:
        """Return how many pages a report has on paper."""
        pdf = await self._pdf(request)
        return JSONResponse({"pages": await to_thread.run_sync(self.printer.pages, pdf)})

    async def picture(self, request: Request) -> Response:
        """Return a page of a report as it will be printed."""
        pdf = await self._pdf(request)
        try:
            content = await to_thread.run_sync(self.printer.picture, pdf, request.path_params["number"])
        except IndexError:
            raise Refused(404, "page", "没有这一页") from None
        return Response(content, media_type="image/png")

    async def _pdf(self, request: Request) -> bytes:
        item = wanted(self.workspace, request.path_params["id"])
        return await to_thread.run_sync(self._printed, item)

    def _printed(self, item: Checked) -> bytes:
        docx = render(item.report, self.workspace.pack)
        return self.printer.pdf(docx, [item.report.agency], _version(item))

    async def all(self, request: Request) -> Response:
        """Return the Word files of all reports that pass, with the list of what is wrong with the others."""
        content = await to_thread.run_sync(self._all)
        return attachment(content, "application/zip", f"{safe_name(self.workspace.pack.title)}.zip")

    def _all(self) -> bytes:
        space = self.workspace
        checked = space.checked()
        if not checked:
            raise Refused(404, "nothing", "还没有报告可以下载")
        reports = downloads.all_reports([item.result for item in checked], space.pack)
        return downloads.as_zip([*reports, (f"{SUMMARY}.xlsx", self._workbook(checked))])

    def _workbook(self, checked: list[Checked]) -> bytes:
        unreadable = [document for document in self.workspace.documents() if document.problem]
        return as_workbook(checked, unreadable, self.workspace.notes(), self.workspace.pack)

    async def export(self, request: Request) -> Response:
        """Return the list as it is filtered: `ids` are the rows that are shown, in their order."""
        async with form_of(request, self.workspace.limits) as form:
            ids, kind = str(form.get("ids", "")), str(form.get("format", "xlsx"))
        found = [self.workspace.find(id) for id in ids.split(",") if id]
        checked = [item for item in found if item is not None] if ids else self.workspace.checked()
        if kind == "csv":
            content = await to_thread.run_sync(self._csv, checked)
            return attachment(content, "text/csv; charset=utf-8", f"{SUMMARY}.csv")
        content = await to_thread.run_sync(self._workbook, checked)
        return attachment(content, XLSX, f"{SUMMARY}.xlsx")

    def _csv(self, checked: list[Checked]) -> bytes:
        space = self.workspace
        return as_csv(listing_of(checked, space.documents(), space.pack, bool(space.documents("previous"))))

    async def form(self, request: Request) -> Response:
        """Return a blank form, for one agency where the address names the report of one."""
        item = self.workspace.find(request.query_params.get("for", ""))
        pack = self.workspace.pack
        known = (
            {}
            if item is None
            else {k: item.report.data[k] for k in ("agency", "year") if k in item.report.data}
        )
        reports = item.last.reports if item is not None and item.last is not None else ()
        last = reports[0] if len(reports) == 1 else None
        content = await to_thread.run_sync(downloads.blank_form, pack, known, last)
        name = filled_name(pack, str(known.get("agency") or "空白"), known.get("year"))
        return attachment(content, XLSX, f"{safe_name(name)}填报表.xlsx")

    async def register(self, request: Request) -> Response:
        """Return a blank register."""
        content = await to_thread.run_sync(downloads.blank_register, self.workspace.pack)
        return attachment(content, XLSX, "空白登记表.xlsx")


def attachment(content: bytes, kind: str, name: str) -> Response:
    """Return an answer that browsers save under a name."""
    plain = name.encode("utf-8", "replace").decode()
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(plain, safe='')}"}
    return Response(content, media_type=kind, headers=headers)


def _version(item: Checked) -> tuple[str, tuple[int, int]]:
    return item.id, item.document.state
