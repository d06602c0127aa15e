"""Style sheets and scripts, held in memory: no path of a request is looked up on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_KEPT = 64


class Looks:
    """The files of the folder ``static``, and the style sheets of reports, by the digest of their content."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytes]] = {}
        self._reports: dict[str, bytes] = {}
        self.assets: Mapping[str, str] = {
            path.name: self._keep(path.name, path.read_bytes())
            for path in sorted(files("nianbao.web").joinpath("static").iterdir(), key=lambda p: p.name)
            if path.name.rpartition(".")[2] in _TYPES
        }

    def _keep(self, name: str, content: bytes) -> str:
        stem, _, suffix = name.rpartition(".")
        address = f"{stem}-{_digest(content)}.{suffix}"
        self._files[address] = (_TYPES[suffix], content)
        return f"/static/{address}"

    def address(self, rules: str) -> str:
        """Return where the style sheet of a report can be had; that of one template is nearly always one."""
        content = rules.encode()
        name = f"{_digest(content)}.css"
        self._reports.pop(name, None)
        self._reports[name] = content
        while len(self._reports) > _KEPT:
            self._reports.pop(next(iter(self._reports)))
        return f"/looks/{name}"

    def routes(self) -> list[Route]:
        """Return the routes of both."""
        return [Route("/static/{name:str}", self._static), Route("/looks/{name:str}", self._look)]

    async def _static(self, request: Request) -> Response:
        kind, content = self._files.get(request.path_params["name"], ("text/plain", b""))
        if not content:
            return Response("", 404)
        # The name changes with the content.
        return Response(content, media_type=kind, headers={"cache-control": "max-age=31536000, immutable"})

    async def _look(self, request: Request) -> Response:
        content = self._reports.get(request.path_params["name"])
        if content is None:
            return Response("", 404)
        return Response(content, media_type=_TYPES["css"], headers={"cache-control": "max-age=3600"})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
