"""The pages of a collection: ledger, notices, roll-up; a report's own page is that of every preview."""

from __future__ import annotations

from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nianbao.agencies import agency_key
from nianbao.ledger.lines import DONE, STATUSES, Line
from nianbao.outputs.ledger.papers import NOTICE_NAME, Notice
from nianbao.web.documents import Checked
from nianbao.web.downloads import DOCX, XLSX
from nianbao.web.files import attachment
from nianbao.web.looks import Looks
from nianbao.web.office.ledger import as_csv, as_workbook, ledger_view
from nianbao.web.office.notices import notice_of, notice_page, notices, notices_zip
from nianbao.web.office.space import OfficeSpace, Standing
from nianbao.web.office.whole_pages import WholePages
from nianbao.web.pages import Pages
from nianbao.web.receiving import form_of
from nianbao.web.uploads import Refused

_TEXT = "text/plain; charset=utf-8"


class OfficePages(Pages):
    """The pages of one collection."""

    home = "台账"

    def __init__(self, space: OfficeSpace, looks: Looks, local: bool, closing: anyio.Event) -> None:
        super().__init__(space, looks, local, closing)
        self.space = space
        self.whole = WholePages(space, self)

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            *super().routes(),
            Route("/ledger", self.export, methods=["POST"]),
            Route("/notices.zip", self.all_notices),
            Route("/notices/{key:str}", self.notice),
            Route("/notices/{key:str}/file.{form:str}", self.notice_file),
            *self.whole.routes(),
        ]

    def _index(self) -> Response:
        space = self.space
        version, standing = space.version, space.standing
        if self._kept is not None and self._kept[0] == version:
            return Response(self._kept[1], media_type=self.kind)
        ledger = ledger_view(standing, space.pack, space.given.workspace) if standing is not None else None
        said: dict[str, Any] = {"ledger": ledger, "waiting": space.waiting, "problem": space.problem}
        said |= {"folder": space.given.folder.name, "notes": space.notes()}
        answer = self.page("ledger.html", version, here="ledger", **said)
        self._kept = version, bytes(answer.body)
        return answer

    def beside(self, item: Checked) -> dict[str, Any]:
        """Return what the page of a report says of its agency in the ledger."""
        standing = self.space.standing
        for key, line in standing.lines.items() if standing is not None else ():
            for draft in line.drafts:
                if standing is not None and standing.report_of(key, draft) == item.id:
                    notice = f"/notices/{key}" if line.status not in DONE else ""
                    name = line.member.name
                    listed = name if agency_key(name) != agency_key(item.report.agency) else ""
                    return {"notice": notice, "adopted": line.adopted is draft, "listed": listed}
        return super().beside(item)

    async def export(self, request: Request) -> Response:
        """Return the ledger as it is filtered: `ids` are the agencies that are shown, in their order."""
        async with form_of(request, self.space.limits) as form:
            ids, kind = str(form.get("ids", "")), str(form.get("format", "xlsx"))
        standing, pack = self._standing(), self.space.pack
        keys = [key for key in ids.split(",") if key]
        if kind == "csv":
            content = await to_thread.run_sync(as_csv, standing, keys, pack)
            return attachment(content, "text/csv; charset=utf-8", "台账.csv")
        roster = self.space.given.roster.name
        content = await to_thread.run_sync(as_workbook, standing, keys, pack, roster)
        return attachment(content, XLSX, "台账（所列单位）.xlsx" if keys else "台账.xlsx")

    async def notice(self, request: Request) -> Response:
        """Return the page of a notice."""
        return await to_thread.run_sync(self._notice_page, request.path_params["key"])

    def _notice_page(self, key: str) -> Response:
        space = self.space
        version, standing = space.version, space.standing
        line = standing.lines.get(key) if standing is not None else None
        if standing is None or line is None:
            return self.page("gone.html", version, status=404)
        notice = self._notice(line, standing)
        page = notice_page(notice) if notice is not None else None
        report = standing.report_of(key, line.adopted)
        look = self.looks.address(page.rules) if page is not None else ""
        said: dict[str, Any] = {"key": key, "line": line, "notice": page, "report": report, "look": look}
        return self.page("notice.html", version, word=STATUSES[line.status], **said)

    async def notice_file(self, request: Request) -> Response:
        """Return a notice as a Word file, or its text for an e-mail."""
        standing, form = self._standing(), request.path_params["form"]
        line = standing.lines.get(request.path_params["key"])
        if line is None or form not in ("docx", "txt"):
            raise Refused(404, "gone", "没有这份通知，请回到台账")
        notice = await to_thread.run_sync(self._notice, line, standing)
        if notice is None:
            raise Refused(404, "done", f"{line.member.name}没有需要通知的事项")
        content, kind = (notice.docx, DOCX) if form == "docx" else (notice.text, _TEXT)
        return attachment(content, kind, f"{notice.name}.{form}")

    def _notice(self, line: Line, standing: Standing) -> Notice | None:
        return notice_of(line, standing.survey.ledger, self.space.given, self.space.pack)

    async def all_notices(self, request: Request) -> Response:
        """Return the notices of all agencies that have something to do."""
        ledger = self._standing().survey.ledger
        found = await to_thread.run_sync(notices, ledger, self.space.given, self.space.pack)
        if not found:
            raise Refused(404, "nothing", "各单位都已通过，没有需要通知的事项")
        content = await to_thread.run_sync(notices_zip, found)
        return attachment(content, "application/zip", f"{NOTICE_NAME}（{len(found)}份）.zip")

    def _standing(self) -> Standing:
        if self.space.standing is None:
            raise Refused(409, "waiting", self.space.problem or "正在读取和核对，请稍候再试")
        return self.space.standing
