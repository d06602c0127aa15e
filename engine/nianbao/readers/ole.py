"""OLE compound files ([MS-CFB]), the envelope of .xls and .doc: the names in them, and one stream.

A chain of sectors that runs in a circle, or out of the file, ends in a ValueError at once.
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR = 0xFFFFFFFA  # higher numbers mean "end of chain", "free" and the like
_MINI = 64  # bytes of a sector of small streams, which are kept together in the stream of the root
_ROOT = 5


@dataclass(frozen=True)
class _Entry:
    kind: int
    start: int
    size: int


class CompoundFile:
    """A compound file; `names` are those of its streams and storages.

    Raises ValueError where the file is no compound file, is cut off or makes no sense.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        header = self._read(0, 512)
        if len(header) < 512 or not header.startswith(MAGIC):
            raise ValueError("not a compound file")
        (shift,) = struct.unpack_from("<H", header, 30)
        if shift not in (9, 12):
            raise ValueError("unknown sector size")
        self._size = 1 << shift
        directory, self._cutoff, self._mini_start = struct.unpack_from("<I4xII", header, 48)
        self._table = self._allocation_table(header)
        self._entries = dict(map(self._entry, self._blocks(self._chain(directory, self._table), 128)))
        self.names = frozenset(self._entries) - {""}

    def read(self, name: str) -> bytes:
        """Return the content of a stream."""
        entry = self._entries[name]
        if entry.size >= self._cutoff:
            data = self._chain(entry.start, self._table)
        else:
            root = next(e for e in self._entries.values() if e.kind == _ROOT)
            small = self._chain(root.start, self._table)
            table = _numbers(self._chain(self._mini_start, self._table))
            data = b"".join(small[at * _MINI : (at + 1) * _MINI] for at in _followed(entry.start, table))
        if len(data) < entry.size:
            raise ValueError("compound file cut off")
        return data[: entry.size]

    def _allocation_table(self, header: bytes) -> array[int]:
        listed = list(struct.unpack_from("<109I", header, 76))
        more, count = struct.unpack_from("<II", header, 68)
        for _ in range(count):
            if more > _LAST_SECTOR:
                break
            *numbers, more = _numbers(self._sector(more))
            listed += numbers
        table = array("I")
        for sector in dict.fromkeys(listed):
            if sector <= _LAST_SECTOR:
                table.extend(_numbers(self._sector(sector)))
        return table

    def _chain(self, start: int, table: array[int]) -> bytes:
        return b"".join(map(self._sector, _followed(start, table)))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        data = self._read(at, self._size)
        # The last sector of a file may be short, if nothing of a stream is missing then.
        if not data:
            raise ValueError("compound file cut off")
        return data

    def _read(self, at: int, size: int) -> bytes:
        self._stream.seek(at)
        return self._stream.read(size)

    @staticmethod
    def _blocks(data: bytes, size: int) -> list[bytes]:
        return [data[at : at + size] for at in range(0, len(data), size)]

    @staticmethod
    def _entry(data: bytes) -> tuple[str, _Entry]:
        if len(data) < 128:
            raise ValueError("compound file cut off")
        length, kind = struct.unpack_from("<HB", data, 64)
        name = data[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        return name, _Entry(kind, *struct.unpack_from("<II", data, 116))


def _followed(start: int, table: array[int]) -> list[int]:
    """Return the numbers of the sectors of a chain."""
    chain: list[int] = []
    while start <= _LAST_SECTOR:
        if start >= len(table) or len(chain) > len(table):
            raise ValueError("a chain of sectors that does not end")
        chain.append(start)
        start = table[start]
    return chain


def _numbers(data: bytes) -> array[int]:
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
