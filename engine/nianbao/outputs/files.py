"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from nianbao.errors import OutputError

_PREFIX, _SUFFIX = ".nianbao-", ".tmp"

_FAILURES = {
    errno.ENOSPC: "磁盘已满，请清理磁盘或换一个位置后重新运行，已完成的不会重做",
    errno.EDQUOT: "磁盘配额已用完，请清理或换一个位置后重新运行，已完成的不会重做",
    errno.EFBIG: "文件超过了允许的大小，请换一个位置后重新运行，已完成的不会重做",
    errno.EIO: "磁盘读写出错，请检查磁盘或换一个位置后重新运行，已完成的不会重做",
    errno.EROFS: "磁盘是只读的，请换一个位置",
    errno.ENAMETOOLONG: "文件名或路径太长，请换一个短一些的名称",
    errno.ENOENT: "所在文件夹不存在，请先建立文件夹",
    errno.ENOTDIR: "路径中有一段是文件，不是文件夹，请换一个位置",
    errno.EEXIST: "已有同名的文件，不是文件夹，请换一个名称",
    errno.EISDIR: "已有同名的文件夹，请换一个名称",
    errno.EACCES: "没有写入权限，或文件正在Excel、WPS中打开，请关闭后重试",
    errno.EPERM: "没有写入权限，或文件正在Excel、WPS中打开，请关闭后重试",
}


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the sentence for a file or folder that cannot be written."""
    reason = _FAILURES.get(error.errno or 0, f"{error.strerror or error}，请换一个位置重试")
    return OutputError(f"无法写入{path}：{reason}", file=str(path))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a stream whose content becomes the file `path` when the block ends without an error.

    The temporary file stands in the same folder and is called ``.nianbao-….tmp``. Raises OutputError.
    """
    temporary = _temporary(path)
    try:
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; raises OutputError."""
    with FileGroup() as files:
        files.write(path, content)


class FileGroup:
    """Files that get their names some at a time, the last when the block ends; each is whole or not there.

    They are written as they come and brought to the disk together: the first of them takes the others along,
    which halves the time of a batch of small files.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Path, str, int]] = []

    def write(self, path: Path, content: bytes) -> None:
        """Write a file under a temporary name; raises OutputError."""
        temporary = _temporary(path)
        try:
            handle = os.open(temporary, _NEW, 0o666)
            self._waiting.append((path, temporary, handle))
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            if _START_WRITING is not None:
                os.posix_fadvise(handle, 0, 0, _START_WRITING)
        except OSError as error:
            raise cannot_write(path, error) from error
        if len(self._waiting) == _TOGETHER:
            self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for _, temporary, handle in self._waiting:
                if handle != _CLOSED:
                    os.close(handle)
                _remove(temporary)
            self._waiting.clear()

    def _finish(self) -> None:
        """Bring the files that wait to the disk, then give them their names; raises OutputError."""
        for index, (path, temporary, handle) in enumerate(self._waiting):
            try:
                os.fsync(handle)
                self._waiting[index] = (path, temporary, _CLOSED)
                os.close(handle)
            except OSError as error:
                raise cannot_write(path, error) from error
        while self._waiting:
            path, temporary, _ = self._waiting[0]
            try:
                os.replace(temporary, path)
            except OSError as error:
                raise cannot_write(path, error) from error
            del self._waiting[0]


_TOGETHER = 16
_CLOSED = -1
# Linux begins to write a file whose pages are said not to be needed any more.
_START_WRITING = getattr(os, "POSIX_FADV_DONTNEED", None)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Several machines may write into one folder: a number of the process alone would not do.
_TOKEN = secrets.token_hex(6)
_count = itertools.count()


def _temporary(path: Path) -> str:
    return os.path.join(path.parent, f"{_PREFIX}{os.getpid()}-{_TOKEN}-{next(_count)}{_SUFFIX}")


def _remove(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, and see that it can be written; raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f"{_PREFIX}{os.getpid()}{_SUFFIX}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder until the block ends; raises OutputError where one is at work there.

    The lock is on the folder itself and leaves no file; it ends with its process, however that ends. Where
    the system or the disk has no such locks (Windows, some network disks), nobody is kept out.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):
            fcntl: Any = import_module("fcntl")
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)  # which gives up the lock
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"另一次运行正在写入{folder}，请等它结束后再运行，或换一个输出文件夹"
                raise OutputError(message, file=str(folder)) from None
        yield


def move(path: Path, target: Path) -> None:
    """Move a file within its disk; raises OutputError."""
    try:
        path.replace(target)
    except OSError as error:
        raise cannot_write(path, error) from error


def remove_temporaries(folder: Path) -> None:
    """Remove what a killed run has left in a folder."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        path.unlink(missing_ok=True)
