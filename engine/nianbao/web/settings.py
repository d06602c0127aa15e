"""What a server allows: to whom it answers, and how much it takes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much one request may bring; every limit is answered with a status and a sentence of its own.

    `request` and `inflated` are bytes, the latter what the archives of one file (.xlsx, .docx) unpack to;
    `files` counts the files of a request, `reports` all that the page holds at once.
    """

    request: int = 64 * MEGABYTE
    inflated: int = 256 * MEGABYTE
    files: int = 200
    reports: int = 20_000


@dataclass(frozen=True)
class Settings:
    """Who may speak to a server.

    `hosts` are the values of the header Host that it answers to; `token` has to come with every request:
    once in the address, then as a cookie, or as a bearer token. `secure` says that people reach it by https.
    """

    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    secure: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.hosts[0].startswith(("127.0.0.1", "localhost"))

    @property
    def cookie(self) -> str:
        """The name of the cookie; another server on this machine has another port, and so another name."""
        port = self.hosts[0].rpartition(":")[2]
        return f"nianbao-{port}" if port.isdecimal() else "nianbao"
