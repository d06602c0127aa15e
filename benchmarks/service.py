"""Measures the HTTP service: eight clients at once, how long each operation takes, memory over time."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import ROOT, machine, markdown_table, number

FORMS = ROOT / "examples" / "cn-ogi" / "2021" / "forms"
REPORTS = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"


@dataclass
class Server:
    """A server as a user starts it."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __enter__(self) -> Server:
        code = "from nianbao.cli import main; main()"
        command = [sys.executable, "-u", "-c", code, "preview", "--no-open"]
        environment = {**os.environ, "NIANBAO_TOKEN": self.token}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://([^:]+):(\d+)/", line)
        assert found, line
        self.host, self.port = found[1], int(found[2])
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)

    def resident(self) -> float:
        """Return the resident memory in MB; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Request:
    """A request: its path, its body and the body's type."""

    path: str
    body: bytes
    kind: str


def upload(path: str, file: Path, **options: str) -> Request:
    """Return a request that uploads a file."""
    boundary = secrets.token_hex(16)
    name = urllib.parse.quote(file.name)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in options.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = b"".join([*parts, head.encode(), file.read_bytes(), f"\r\n--{boundary}--\r\n".encode()])
    return Request(path, body, f"multipart/form-data; boundary={boundary}")


class Client:
    """A client with a connection of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=120)

    def send(self, request: Request) -> tuple[float, int, int]:
        """Return how long an answer took in milliseconds, its status and its length."""
        headers = {"content-type": request.kind, "authorization": f"Bearer {self.server.token}"}
        began = time.perf_counter()
        self.connection.request("POST", request.path, request.body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return (time.perf_counter() - began) * 1000, answer.status, len(content)


def load(
    server: Server, request: Request, clients: int, count: int, status: int
) -> tuple[list[float], float]:
    """Return the times of `count` answers to several clients at once, and the answers a second."""
    times: list[float] = []
    wrong: list[str] = []
    turns = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        client = Client(server)
        while True:
            with lock:
                if next(turns, None) is None:
                    return
            took, got, length = client.send(request)
            with lock:
                times.append(took)
                if got != status or not length:
                    wrong.append(f"{request.path}: {got}")

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        sys.exit(f"wrong answers: {wrong[:3]}")
    return sorted(times), count / (time.perf_counter() - began)


def share(times: Sequence[float], part: float) -> float:
    """Return the time within which that part of the answers came."""
    return times[min(len(times) - 1, int(len(times) * part))]


def run(clients: int, count: int, memory: int) -> str:
    """Return the measurements as Markdown."""
    form = max(FORMS.glob("*.xlsx"), key=lambda path: path.stat().st_size)
    report = json.loads(REPORTS.read_text("utf-8"))[1]
    report["requests"]["results"]["granted"]["total"] += 1
    broken = json.dumps(report).encode()
    work = (
        ("check, a form (.xlsx)", upload("/api/check", form), 200, 1),
        ("check, a report as JSON with errors", Request("/api/check", broken, "application/json"), 200, 1),
        ("render, a form to .docx", upload("/api/render", form), 200, 1),
        ("render, a form to HTML", upload("/api/render", form, format="html"), 200, 1),
        ("read, a form", upload("/api/read", form), 200, 1),
        ("render, a form to PDF", upload("/api/render", form, format="pdf"), 200, 20),
    )
    rows = []
    with Server() as server:
        for name, request, status, slower in work:
            load(server, request, clients, clients * 2, status)
            times, rate = load(server, request, clients, max(clients, count // slower), status)
            values = [share(times, 0.5), share(times, 0.95), times[-1]]
            rows.append([name, str(len(times)), *map(number, values), number(rate)])
        seen = [server.resident()]
        for _ in range(5):
            for _, request, status, _ in work[:4]:
                load(server, request, clients, memory // 20, status)
            seen.append(server.resident())
    head = ["operation", "requests", "median ms", "p95 ms", "slowest ms", "a second"]
    megabytes = ", ".join(f"{value:.0f}" for value in seen)
    return "\n\n".join(
        (
            machine(),
            f"{clients} clients at once on a warm server, each waiting for its answer before it asks again:",
            markdown_table(head, rows),
            f"Resident memory of the server over {memory} further requests, MB: {megabytes}",
        )
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=200, help="requests of each operation")
    parser.add_argument("--memory", type=int, default=1000, help="requests over which memory is watched")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = run(options.clients, options.requests, options.memory)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
