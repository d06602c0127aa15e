"""The application: pages, downloads and service behind one guard."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from nianbao.errors import NianbaoError
from nianbao.web.api import Api
from nianbao.web.downloads import Printer
from nianbao.web.files import Files
from nianbao.web.looks import Looks
from nianbao.web.office.pages import OfficePages
from nianbao.web.office.space import OfficeSpace
from nianbao.web.packs import Packs
from nianbao.web.pages import Pages
from nianbao.web.security import BodyLimit, Guard, refusal
from nianbao.web.settings import Settings
from nianbao.web.uploads import Refused
from nianbao.web.workspace import Workspace

_log = logging.getLogger(__name__)
# Files on the disk are looked at so often, in seconds.
_WATCH = 1.0
_SENTENCES = {404: "没有这个页面，请回到单位列表", 405: "这个地址不能这样用", 400: "请求不完整，请重试"}


def create_app(
    workspace: Workspace,
    settings: Settings,
    packs: Packs | None = None,
    closing: anyio.Event | None = None,
) -> ASGIApp:
    """Return the application that serves a workspace; it watches the files while it runs.

    `packs` are those that the service offers beside the workspace's own; `closing` ends the answers that
    would never end by themselves.
    """
    cores = max(2, os.cpu_count() or 1)
    looks, printer = Looks(), Printer(jobs=min(cores, 4))
    packs = packs or Packs(workspace.pack)
    api = Api(packs, printer, settings.limits, jobs=cores)
    pages = _pages(workspace, looks, settings.local, closing or anyio.Event())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_watch, workspace)
            yield
            pages.closing.set()
            tasks.cancel_scope.cancel()
        await to_thread.run_sync(printer.close)

    app = Starlette(
        routes=[*pages.routes(), *Files(workspace, printer).routes(), *api.routes(), *looks.routes()],
        middleware=[Middleware(BodyLimit, limit=settings.limits.request)],
        exception_handlers={
            Refused: _refused,
            HTTPException: _http,
            NianbaoError: _set_up,
            ClientDisconnect: _left,
            Exception: _failed,
        },
        lifespan=lifespan,
    )
    return Guard(app, settings)


def _pages(workspace: Workspace, looks: Looks, local: bool, closing: anyio.Event) -> Pages:
    if isinstance(workspace, OfficeSpace):
        return OfficePages(workspace, looks, local, closing)
    return Pages(workspace, looks, local, closing)


async def _watch(workspace: Workspace) -> None:
    while True:
        try:
            await to_thread.run_sync(workspace.refresh)
        except Refused as refused:
            _log.warning("%s", refused.message)
        await anyio.sleep(_WATCH)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refusal(error.status, error.code, error.message)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = refusal(error.status_code, "http", _SENTENCES.get(error.status_code, "请求有误，请重试"))
    answer.headers.update(error.headers or {})
    return answer


async def _set_up(request: Request, error: Exception) -> Response:
    assert isinstance(error, NianbaoError)
    return refusal(422, type(error).__name__, error.message)


async def _left(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it


async def _failed(request: Request, error: Exception) -> Response:
    return refusal(500, "internal", "程序内部出错，这次操作没有完成；其他内容不受影响")
