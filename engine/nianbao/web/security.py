"""What stands before the pages and the service: who asks, from where, with what right, and how much.

Everything here is plain ASGI, so that a refusal never reaches a route, and no body is read before it.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from secrets import compare_digest
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nianbao.web.settings import MEGABYTE, Settings

# No inline script or style anywhere; nothing from elsewhere, not even a font.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer" browsers would call the origin of our own forms "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
_READING = frozenset({"GET", "HEAD"})
# What a page that was opened without a right may see: its looks.
_OPEN = "/static/"


def refusal(status: int, code: str, message: str) -> Response:
    """Return an answer that says why a request is not served; `code` is for programs."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


class Guard:
    """Lets a request pass whose Host, Origin and token are right, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self.refused(Request(scope))
        await (answer or self.app)(scope, receive, sending)

    def refused(self, request: Request) -> Response | None:
        """Return the answer to a request that must not pass, None for one that may."""
        headers = request.headers
        if headers.get("host", "").lower() not in self.settings.hosts:
            return refusal(421, "host", "这个地址不是本程序的地址，请从启动时显示的网址打开")
        if not _same_origin(headers, request.method, self.settings):
            return refusal(403, "origin", "请求来自另一个网站，已拒绝")
        if request.scope["path"].startswith(_OPEN) and request.method in _READING:
            return None
        return self._unknown(request)

    def _unknown(self, request: Request) -> Response | None:
        given = request.query_params.get("token")
        if given is not None and request.method == "GET":
            return self._welcome(request) if self._is_token(given) else _no_token(request)
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        right = self._is_token(bearer.strip()) if scheme.lower() == "bearer" else self._has_cookie(request)
        return None if right else _no_token(request)

    def _welcome(self, request: Request) -> Response:
        """Return the way to the same page without the token, which becomes a cookie."""
        rest = [(k, v) for k, v in parse_qsl(request.url.query, True) if k != "token"]
        path = "/" + quote(request.url.path.lstrip("/"))
        answer = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, 303)
        settings = self.settings
        answer.set_cookie(
            settings.cookie, settings.token, httponly=True, samesite="strict", secure=settings.secure
        )
        return answer

    def _has_cookie(self, request: Request) -> bool:
        try:
            cookies = SimpleCookie(request.headers.get("cookie", ""))
        except CookieError:
            return False
        found = cookies.get(self.settings.cookie)
        return found is not None and self._is_token(found.value)

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode(), self.settings.token.encode())


def _same_origin(headers: Headers, method: str, settings: Settings) -> bool:
    """Return whether a request comes from our own pages, or from a program that is no browser.

    Browsers send Origin with every request that changes something; a program sends the token itself.
    """
    origin = headers.get("origin")
    if origin is not None:
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and host.lower() in settings.hosts
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        # A link on another site may lead here, nothing else: the page itself asks for the token.
        return method in _READING and headers.get("sec-fetch-mode") == "navigate"
    return method in _READING or headers.get("authorization") is not None


def _no_token(request: Request) -> Response:
    message = "缺少访问口令或口令不对，请用启动程序时显示的完整网址打开（网址里有 token=…）"
    if request.scope["path"].startswith("/api/"):
        answer = refusal(401, "token", message.replace("，请用", "；请在 Authorization 头中给出，或用"))
        answer.headers["www-authenticate"] = "Bearer"
        return answer
    return Response(
        f'<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><title>年报核对</title><p>{message}。</p>',
        401,
        media_type="text/html",
    )


class TooLarge(Exception):
    """The body of a request is larger than the limit."""


class BodyLimit:
    """Refuses a body that is too large: by its announced length at once, else as soon as it is."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limit:
            await self._refuse(scope, receive, send)
            return
        seen = 0
        started = False

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise TooLarge
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counting, noting)
        except TooLarge:
            if not started:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"一次上传的内容超过{self.limit // MEGABYTE}MB，请分几次上传"
        await refusal(413, "too-large", message)(scope, receive, send)
