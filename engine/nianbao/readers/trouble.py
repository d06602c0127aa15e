"""What the readers say when a file cannot be read: one sentence, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nianbao.errors import InputError


def trouble(path: Path, sentence: str) -> InputError:
    """Return the error that names `path` and then says `sentence`."""
    return InputError(f"{path.name or path}：{sentence}", file=str(path))


def broken(path: Path) -> InputError:
    """Return the error for a file that begins well and then makes no sense."""
    return trouble(path, "文件已损坏或不完整，请重新下载或复制；能用Excel或WPS打开时，请另存一份再试")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise trouble(path, f"找不到文件，请检查路径（{path}）") from error
    except IsADirectoryError as error:
        raise trouble(path, "这是文件夹，不是文件，请给出其中的文件") from error
    except PermissionError as error:
        raise trouble(path, "没有读取权限，或文件正被其他程序占用，请关闭该程序、检查权限后重试") from error
    except Exception as error:
        raise broken(path) from error
    except BaseException as error:
        # A panic of a Rust extension derives from BaseException, as Ctrl-C does.
        if type(error).__name__ != "PanicException":
            raise
        raise broken(path) from error
