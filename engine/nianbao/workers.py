"""Local worker processes that outlive a worker: what a dead one had in hand is done again."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class LocalPool:
    """A process pool with the interface of an executor, started at the first submit; it can be restarted.

    `jobs` is the number of processes, 0 for one a processor.
    """

    def __init__(self, jobs: int = 0) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of a call in a worker."""
        try:
            return self._started().submit(function, *args, **kwargs)
        except BrokenExecutor:
            # A worker died since the last call; what it had in hand fails where its result is asked for.
            self.restart()
            return self._started().submit(function, *args, **kwargs)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned workers are the same on every system, and inherit no open file and no lock.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.jobs, context, _ignore_interrupt)
        return self._pool

    def restart(self) -> None:
        """Give up the workers; the next submit starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupt() -> None:
    """Leave Ctrl-C to the driver: it waits for what is in hand, and the folder stays resumable."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
