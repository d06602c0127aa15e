"""The pages: the list of agencies, one agency's report, and what changes them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from anyio import to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from nianbao import __version__
from nianbao.web import listing as listings
from nianbao.web.documents import Checked, Part
from nianbao.web.looks import Looks
from nianbao.web.receiving import form_of, stored
from nianbao.web.reportpage import report_page
from nianbao.web.uploads import Refused
from nianbao.web.workspace import Workspace

# So often the page asks whether something has changed, in seconds; and so often it says that it is alive.
_TICK, _ALIVE = 0.25, 15.0


class Pages:
    """The pages of one workspace; `home` is what its first page is called."""

    home = "单位列表"
    kind = "text/html; charset=utf-8"

    def __init__(self, workspace: Workspace, looks: Looks, local: bool, closing: anyio.Event) -> None:
        self.workspace, self.looks, self.local, self.closing = workspace, looks, local, closing
        self.environment = Environment(
            loader=PackageLoader("nianbao.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._kept: tuple[int, bytes] | None = None

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [
            Route("/", self.index),
            Route("/reports/{id:str}", self.report),
            Route("/files", self.upload, methods=["POST"]),
            Route("/files/{id:str}/remove", self.remove, methods=["POST"]),
            Route("/clear", self.clear, methods=["POST"]),
            Route("/events", self.events),
        ]

    async def index(self, request: Request) -> Response:
        """Return the list of agencies."""
        return await to_thread.run_sync(self._index)

    def _index(self) -> Response:
        space = self.workspace
        version = space.version
        if self._kept is not None and self._kept[0] == version:
            return Response(self._kept[1], media_type=self.kind)
        documents, previous = space.documents(), space.documents("previous")
        listing = listings.listing_of(space.checked(), [*documents, *previous], space.pack, bool(previous))
        files: dict[str, Any] = {"documents": documents, "previous": previous, "waiting": space.waiting}
        answer = self.page("list.html", version, listing=listing, notes=space.notes(), **files)
        self._kept = version, bytes(answer.body)
        return answer

    async def report(self, request: Request) -> Response:
        """Return the page of one report."""
        return await to_thread.run_sync(self._report, request.path_params["id"])

    def _report(self, id: str) -> Response:
        space = self.workspace
        version, checked = space.version, space.checked()
        item = space.find(id)
        if item is None:
            return self.page("gone.html", version, status=404)
        page = report_page(item, checked, space.pack)
        look = self.looks.address(page.rules)
        return self.page("report.html", version, report=page, look=look, **self.beside(item))

    def beside(self, item: Checked) -> dict[str, Any]:
        """Return what the page of a report says beside it: its notice, whether it counts, its other name."""
        return {"notice": "", "adopted": True, "listed": ""}

    def page(self, template: str, version: int, status: int = 200, here: str = "", **values: Any) -> Response:
        """Return a page made by a template of ours; `here` is which of the main pages it is."""
        pack = self.workspace.pack
        text = self.environment.get_template(template).render(
            pack=pack,
            local=self.local,
            program=__version__,
            state=version,
            home=self.home,
            here=here,
            assets=self.looks.assets,
            **values,
        )
        return Response(text, status, media_type=self.kind)

    async def upload(self, request: Request) -> Response:
        """Take files in and say what became of them; without script, go back to the list."""
        space = self.workspace
        async with form_of(request, space.limits) as form:
            part: Part = "previous" if form.get("part") == "previous" else "current"
            files = await stored(form, "files", space.folder, space.limits)
        if not files:
            raise Refused(400, "no-files", "没有收到文件，请选择要核对的表格或报告")
        said = await to_thread.run_sync(space.add, files, part)
        return _done(request, {"files": len(files), "notes": said, "version": space.version})

    async def remove(self, request: Request) -> Response:
        """Forget one uploaded file."""
        await to_thread.run_sync(self.workspace.remove, request.path_params["id"])
        return _done(request, {"version": self.workspace.version})

    async def clear(self, request: Request) -> Response:
        """Forget all uploaded files."""
        await to_thread.run_sync(self.workspace.clear)
        return _done(request, {"version": self.workspace.version})

    async def events(self, request: Request) -> Response:
        """Tell the page whenever something has changed, for as long as it listens."""
        return StreamingResponse(self._events(request), media_type="text/event-stream")

    async def _events(self, request: Request) -> AsyncIterator[str]:
        said, quiet = -1, 0.0
        while not self.closing.is_set() and not await request.is_disconnected():
            if self.workspace.version != said:
                said, quiet = self.workspace.version, 0.0
                yield f"data: {json.dumps(said)}\n\n"
            elif quiet >= _ALIVE:
                quiet = 0.0
                yield ": 还在\n\n"
            with anyio.move_on_after(_TICK):
                await self.closing.wait()
            quiet += _TICK


def wanted(workspace: Workspace, id: str) -> Checked:
    """Return a checked report; raises Refused where there is none."""
    item = workspace.find(id)
    if item is None:
        raise Refused(404, "gone", "这份报告已经不在了，请回到单位列表")
    return item


def _done(request: Request, data: dict[str, Any]) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(data)
    return RedirectResponse("/", 303)
