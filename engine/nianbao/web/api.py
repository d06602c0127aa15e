"""The HTTP service: what the command line does, for the programs of an office.

A request brings files (multipart) or reports as JSON; it is answered from what it brought, and nothing of it
is kept. Options are form fields or parameters of the address.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nianbao.web import operations
from nianbao.web.downloads import Printer
from nianbao.web.files import attachment
from nianbao.web.openapi import document
from nianbao.web.operations import Answer, Job
from nianbao.web.packs import Packs
from nianbao.web.receiving import form_of, stored
from nianbao.web.settings import Limits
from nianbao.web.uploads import Stored, speaking_of

PARTS = ("files", "previous", "aliases", "waivers")
OPTIONS = ("pack", "blank_as_zero", "format", "template", "allow_errors", "agency", "year")
# What a JSON body is called in messages and places.
_BODY = "请求内容.json"


class Api:
    """The service of a server; so many jobs run at once, the others wait."""

    def __init__(self, packs: Packs, printer: Printer, limits: Limits, jobs: int) -> None:
        self.packs, self.printer, self.limits = packs, printer, limits
        self.limiter = CapacityLimiter(jobs)

    def routes(self) -> list[Route]:
        """Return the routes of the service."""
        work: dict[str, Callable[[Job], Answer]] = {
            "check": operations.check,
            "render": operations.render,
            "read": operations.read,
            "form": operations.form,
        }
        routes = [Route(f"/api/{name}", self._endpoint(do), methods=["POST"]) for name, do in work.items()]
        return [
            *routes,
            Route("/api/packs", self.known_packs),
            Route("/api/openapi.json", self.description),
        ]

    def _endpoint(self, do: Callable[[Job], Answer]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            async with self._job(request) as job:
                with speaking_of(job.files):
                    answer = await to_thread.run_sync(do, job, limiter=self.limiter)
            if answer.name:
                return attachment(answer.content, answer.kind, answer.name)
            return Response(answer.content, answer.status, media_type=answer.kind)

        return endpoint

    async def known_packs(self, request: Request) -> Response:
        """Return the packs that the service knows."""
        return JSONResponse({"packs": await to_thread.run_sync(self.packs.described)})

    async def description(self, request: Request) -> Response:
        """Return what the service can do, as OpenAPI."""
        return JSONResponse(document(self.limits))

    @asynccontextmanager
    async def _job(self, request: Request) -> AsyncIterator[Job]:
        """Give what a request brings, in a folder that is removed when it has been answered."""
        folder = await to_thread.run_sync(lambda: tempfile.TemporaryDirectory(prefix="nianbao-api-"))
        try:
            parts, options = await self._brought(request, Path(folder.name))
            pack = await to_thread.run_sync(self.packs.get, options.get("pack"))
            yield Job(pack, Path(folder.name), parts, options, self.printer)
        finally:
            await to_thread.run_sync(folder.cleanup)

    async def _brought(
        self, request: Request, folder: Path
    ) -> tuple[dict[str, list[Stored]], dict[str, str]]:
        options = {name: value for name in OPTIONS if (value := request.query_params.get(name))}
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return await to_thread.run_sync(_from_json, await request.body(), folder), options
        if not kind and request.headers.get("content-length", "0") == "0":
            return {part: [] for part in PARTS}, options
        async with form_of(request, self.limits) as form:
            parts = {part: await stored(form, part, folder, self.limits) for part in PARTS}
            options |= {
                name: str(form[name]) for name in OPTIONS if isinstance(form.get(name), str) and form[name]
            }
        return parts, options


def _from_json(body: bytes, folder: Path) -> dict[str, list[Stored]]:
    """Return a JSON body as files: reports, or an object with ``reports`` and last year's ``previous``."""
    parts: dict[str, list[Stored]] = {part: [] for part in PARTS}
    parts["files"].append(_written(_BODY, folder / "body.json", body))
    try:
        # A decimal stays as it was written: a float would not.
        content = json.loads(body, parse_float=str)
    except (ValueError, RecursionError):
        return parts  # the reader says what is wrong, and where
    if isinstance(content, dict) and "reports" in content and content.get("previous"):
        last = json.dumps(content["previous"]).encode()
        parts["previous"].append(_written(f"{_BODY}（previous）", folder / "previous.json", last))
    return parts


def _written(name: str, path: Path, content: bytes) -> Stored:
    path.write_bytes(content)
    return Stored(name, path)
