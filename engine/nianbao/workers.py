"""Local worker processes that outlive a worker: what a dead one had in hand is done again."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, ParamSpec, Protocol, Self, TypeVar, runtime_checkable

# Garbage in circles is looked for after so many new objects: reports make hardly any of it.
_COLLECTED = 20_000

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Protocol):
    """What does the work of a batch: the interface of `concurrent.futures.Executor`, as far as it is used."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of a call in a worker."""


@runtime_checkable
class Restartable(Workers, Protocol):
    """Workers that can go on after one has died."""

    def restart(self) -> None:
        """Make ready for new calls after one ended in BrokenExecutor."""


@runtime_checkable
class Distant(Restartable, Protocol):
    """Workers on other machines: what all calls need is sent once, and the output folder must be shared."""

    @property
    def window(self) -> int:
        """How many calls to send ahead."""

    def share(self, value: T) -> T:
        """Return what stands for `value` among the arguments of `submit`."""

    def check_folder(self, folder: Path) -> None:
        """Raise OutputError unless every worker can write into `folder`."""


class LocalPool:
    """A process pool with the interface of an executor, started at the first submit; it can be restarted.

    `jobs` is the number of processes, 0 for one a processor.
    """

    def __init__(self, jobs: int = 0) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._method: Literal["spawn", "fork"] = "spawn"

    @property
    def is_started(self) -> bool:
        """Whether there are workers already."""
        return self._pool is not None

    def copy_if_alone(self) -> None:
        """Have the first workers be copies of this process, if no other thread of it could hold a lock.

        They then need not load anything that is loaded here. What is opened later they do not inherit if they
        are started before.
        """
        if self._pool is None and _is_alone():
            self._method = "fork"

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of a call in a worker."""
        # A call may start a worker.
        with _interrupts_held():
            try:
                return self._submit(function, *args, **kwargs)
            except BrokenExecutor:
                # A worker died since the last call; what it had in hand fails where its result is asked for.
                self.restart()
                return self._submit(function, *args, **kwargs)

    def _submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._pool is not None:
            return self._pool.submit(function, *args, **kwargs)
        # Spawned workers are the same on every system, and inherit no open file and no lock.
        context = multiprocessing.get_context(self._method)
        pool = self._pool = ProcessPoolExecutor(self.jobs, context, _begin)
        future = pool.submit(function, *args, **kwargs)
        # What it consists of has no public names.
        inside: Any = pool
        parts = inside._executor_manager_thread, inside._processes, inside._result_queue
        threading.Thread(target=_see_that_it_breaks, args=parts, daemon=True).start()
        return future

    def restart(self) -> None:
        """Give up the workers; the next submit starts new ones."""
        self._method = "spawn"
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


def _is_alone() -> bool:
    """Return whether this process can be copied and has no thread but this one, Python's or a library's."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C for as long as the block takes.

    A process that is started meanwhile never gets it, not even before it could ignore it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting it would let Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _interrupts_postponed():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupts_postponed() -> Iterator[None]:
    """Put Ctrl-C off until the block ends: another thread may take the signal, the main one hears it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
    if came and callable(handler):
        handler(came[0], None)


_LOOK = 0.5
_GRACE = 5.0


def _see_that_it_breaks(manager: threading.Thread, processes: Mapping[int, Any], results: Any) -> None:
    """Let a pool know of a worker that died in the midst of sending a result; it would wait for the rest.

    The driver and the other workers hold the same end of the pipe, so it does not close by itself.
    """
    while manager.is_alive():
        workers = {worker.sentinel: worker for worker in list(processes.values())}
        ended = connection.wait(list(workers), _LOOK) if workers else []
        if not any(workers[sentinel].exitcode for sentinel in ended if isinstance(sentinel, int)):
            # None, or one that was no longer needed.
            time.sleep(0 if workers and not ended else _LOOK)
            continue
        # It hears of the death as well, unless it waits for that result.
        manager.join(_GRACE)
        if manager.is_alive():
            for worker in workers.values():
                worker.kill()
            results._writer.close()
            manager.join()


def _begin() -> None:
    """Leave Ctrl-C to the driver, which waits for what is in hand; end with a driver that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(_COLLECTED)
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    """Wait for the end of the driver, after which nobody else would tell a worker to end."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)
