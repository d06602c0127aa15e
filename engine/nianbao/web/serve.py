"""Running the server: a port of this machine, a token, a browser that is opened on it."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType

import anyio
import uvicorn

from nianbao.errors import OutputError
from nianbao.web.app import create_app
from nianbao.web.packs import Packs
from nianbao.web.settings import Settings
from nianbao.web.workspace import Workspace

LOOPBACK = "127.0.0.1"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes one that is free. Raises OutputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind((host, port))
        own.listen(128)
    except OSError as error:
        own.close()
        raise OutputError(f"不能在{host}的端口{port}上运行：{error.strerror}；请换一个 --port") from error
    return own


def addresses(host: str, port: int, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the values of the header Host that a server on this port answers to."""
    shown = f"[{host}]" if ":" in host else host
    own = [f"{shown}:{port}"]
    if host == LOOPBACK:
        own.append(f"localhost:{port}")
    return (
        *own,
        *(name.lower() for name in names),
        *(f"{name.lower()}:{port}" for name in names if ":" not in name),
    )


class _Server(uvicorn.Server):
    """A server that says when it is ready, and ends the answers that would not end by themselves."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], closing: anyio.Event) -> None:
        super().__init__(config)
        self._ready, self._closing = ready, closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
        await super().shutdown(sockets)


def serve(
    workspace: Workspace,
    settings: Settings,
    own: socket.socket,
    *,
    packs: Packs | None = None,
    names: tuple[str, ...] = (),
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve a workspace until it is interrupted; `ready` is told the address to open, without the token."""
    host, port = own.getsockname()[:2]
    settings = replace(settings, hosts=addresses(host, port, names))
    # A form that is cut off is told to whoever sent it.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    closing = anyio.Event()
    config = uvicorn.Config(
        create_app(workspace, settings, packs, closing),
        log_level="error",
        access_log=False,  # addresses bear the token
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    with _ending(), suppress(KeyboardInterrupt):
        _Server(config, lambda: ready(f"http://{settings.hosts[0]}"), closing).run(sockets=[own])


def open_browser(address: str) -> None:
    """Open the page; a browser in the terminal would hold up everything, so a thread does it."""
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


@contextmanager
def _ending() -> Iterator[None]:
    """Let whatever ends the program end it as Ctrl+C does, so that temporary folders go away.

    uvicorn gives each signal back when it has closed its connections.
    """

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGTERM)

    interrupt = signal.default_int_handler
    handlers: dict[str, Callable[[int, FrameType | None], None]] = {
        "SIGTERM": interrupt,
        "SIGBREAK": interrupt,
        "SIGHUP": terminate,  # uvicorn does not know it
    }
    if threading.current_thread() is not threading.main_thread():
        handlers = {}
    known = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, handler) for number, handler in known.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
