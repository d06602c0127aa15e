"""A cluster as an executor: a Dask scheduler, whose workers may be on many machines and may die.

Dask is loaded here only, when a scheduler is asked for; it comes with ``pip install 'nianbao[cluster]'``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, ParamSpec, TypeVar

from nianbao.errors import InputError, OutputError
from nianbao.outputs.files import cannot_write

P = ParamSpec("P")
T = TypeVar("T")

# A call that raises (a network folder may hiccup) is tried again so often. Calls whose worker dies are not
# counted here: the scheduler's `allowed-failures` says how many workers a call may take with it.
_RETRIES = 2
# Calls sent ahead of what is done, for each thread of a worker: one runs, one waits, one is on its way.
_AHEAD = 3
_LEAST_AHEAD = 8
# What the bytes of a report depend on.
_PACKAGES = ("nianbao", "docxtpl", "jinja2", "lxml", "isal")
# A chunk of reports with long texts is what we mean to send, not a mistake to be warned of.
_CONFIG = {"distributed.admin.large-graph-warning-threshold": "1GiB"}
_LOST = "与调度程序的连接断开，请确认它在运行，再运行一次，已完成的不会重做"
_INSTALL = "使用--scheduler需要Dask，请先安装：pip install 'nianbao[cluster]'"


class Cluster(Executor):
    """The workers of a Dask scheduler, with the interface of an executor.

    A call whose worker dies is done again by another one; one that kills every worker it is given to ends in
    BrokenExecutor, and one that the scheduler has lost in OutputError.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def window(self) -> int:
        """How many calls to send ahead so that no worker waits for the next."""
        threads: Mapping[str, int] = self._client.nthreads()
        return max(_LEAST_AHEAD, _AHEAD * sum(threads.values()))

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of a call in a worker."""
        outcome: Future[T] = Future()
        call = partial(function, **kwargs) if kwargs else function
        try:
            promise = self._client.submit(call, *args, pure=False, retries=_RETRIES)
        except Exception:
            if self._client.status == "running":
                raise
            # The client has given up the scheduler.
            outcome.set_exception(OutputError(_LOST))
        else:
            self._client.loop.add_callback(_settle, promise, outcome)
        return outcome

    def restart(self) -> None:
        """Do nothing: other calls are not affected, and whoever runs the workers starts new ones."""

    def share(self, value: T) -> T:
        """Return what stands for `value` among the arguments of `submit`; each worker gets the value once.

        It is the result of a call, not scattered data: those are gone for good when the workers that hold
        them die, a result is calculated again.
        """
        shared: Any = self._client.submit(_same, value, pure=False, retries=_RETRIES)
        # Workers without a copy are given no call until they have nothing to do and steal one.
        self._client.replicate([shared])
        stand_in: T = shared
        return stand_in

    def check_folder(self, folder: Path) -> None:
        """Raise OutputError unless every worker can write into `folder`, which must be an absolute path."""
        try:
            # A name that `remove_temporaries` knows.
            with NamedTemporaryFile(dir=folder, prefix=".nianbao-", suffix=".tmp") as marker:
                answers = self._ask(_sees, marker.name)
        except OSError as error:
            raise cannot_write(folder, error) from error
        blind = [worker for worker, seen in answers.items() if seen is not True]
        if blind:
            raise OutputError(
                f"{_some(blind)}不能写入输出文件夹{folder}，请用所有机器都能以同一路径写入的共享文件夹",
                file=str(folder),
            )

    def check_versions(self) -> None:
        """Raise InputError unless the scheduler and every worker have the versions of this process."""
        here = _versions()
        answers = dict(self._ask(_versions))
        try:
            # The scheduler opens what it passes on.
            answers[self._client.scheduler.address] = self._client.run_on_scheduler(_versions)
        except ImportError as error:
            answers[self._client.scheduler.address] = error
        others = [process for process, there in answers.items() if there != here]
        if others:
            wanted = "、".join(f"{name} {number}" for name, number in here.items() if number)
            raise InputError(f"{_some(others)}的软件版本与本机不同，请在那里安装：{wanted}")

    def _ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Mapping[str, object]:
        """Return what a function returns, or else raises, in each worker, by the worker's address."""
        answers: dict[str, object] = self._client.run(function, *args, on_error="return", **kwargs)
        return answers


@contextmanager
def scheduler_executor(address: str, timeout: float = 10.0) -> Iterator[Cluster]:
    """Give the workers of the Dask scheduler at `address` (``tcp://host:8786``) as an executor.

    Raises InputError where Dask is not installed, the scheduler cannot be reached within `timeout` seconds
    or no worker has joined it by then, or where they have other versions of what makes the reports.
    """
    import asyncio  # most runs do not need it

    try:
        # Dask is not annotated throughout, so its objects are Any here.
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError:
        raise InputError(_INSTALL) from None
    with dask.config.set(_CONFIG), _silent("distributed.client"):
        try:
            with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
                thread.submit(asyncio.run, _knock(distributed, address, timeout)).result()
            client = distributed.Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            hint = "请检查地址和端口（如tcp://10.0.0.1:8786），并确认dask scheduler已启动"
            raise InputError(f"连接不上调度程序{address}，{hint}") from error
        try:
            yield _joined(client, address, timeout)
        finally:
            with suppress(TimeoutError):
                client.close()


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a logger from printing tracebacks of what our exceptions say in a sentence."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def _knock(distributed: Any, address: str, timeout: float) -> None:
    """See that a scheduler answers within `timeout` seconds; raises OSError, ValueError or TypeError.

    A client does not time out where something else answers, such as the scheduler's own web page, and one
    that failed over its address complains again when it is thrown away.
    """
    import asyncio

    async with asyncio.timeout(timeout):
        tls = distributed.Security().get_connection_args("client")
        comm = await distributed.connect(address, timeout=timeout, **tls)
        await comm.close()


def _joined(client: Any, address: str, timeout: float) -> Cluster:
    """Return the workers of a scheduler that there are within `timeout` seconds; raises InputError."""
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError:
        message = f"调度程序{address}没有工作进程，请先在各台机器上启动：dask worker {address}"
        raise InputError(message) from None
    cluster = Cluster(client)
    cluster.check_versions()
    return cluster


async def _settle(promise: Any, outcome: Future[T]) -> None:
    """Hand on what becomes of a call; runs in the event loop of the client.

    The executor that comes with Dask forgets a call, and so waits for ever, whose result it cannot fetch from
    a scheduler that has died.
    """
    from asyncio import CancelledError

    try:
        value = await promise
    except (Exception, CancelledError) as error:
        if outcome.set_running_or_notify_cancel():
            outcome.set_exception(_failure(promise, error))
    else:
        if outcome.set_running_or_notify_cancel():
            outcome.set_result(value)


def _failure(promise: Any, error: BaseException) -> BaseException:
    """Return the error of a call in the terms of `concurrent.futures` and in words for the user."""
    scheduler = import_module("distributed.scheduler")
    if promise.status != "error":
        return OutputError(_LOST)
    if isinstance(error, scheduler.KilledWorker):
        return BrokenExecutor(str(error))
    if isinstance(error, scheduler.NoWorkerError):
        return OutputError("工作进程都已退出，请重新启动后再运行一次，已完成的不会重做")
    return error


def _same(value: T) -> T:
    return value


def _sees(marker: str) -> bool:
    return Path(marker).is_file() and os.access(Path(marker).parent, os.W_OK)


def _versions() -> dict[str, str]:
    """Return the versions of what the bytes of a report depend on, empty where it is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _some(processes: list[str]) -> str:
    return f"集群中有{len(processes)}个进程（如{processes[0]}）"
