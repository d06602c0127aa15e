"""The packs that a server knows; a request names one by its id, which is never a path."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from nianbao.errors import PackError
from nianbao.pack import Pack, list_packs, load_pack
from nianbao.web.uploads import Refused


class Packs:
    """The pack that a server was started with, and all others that can be found."""

    def __init__(self, default: Pack, folders: Iterable[Path] = ()) -> None:
        self.default, self._folders = default, list(folders)
        self._lock = threading.Lock()

    def get(self, id: str | None) -> Pack:
        """Return the pack of that id, the default one for None; raises Refused where there is none."""
        if not id or id == self.default.id:
            return self.default
        with self._lock:
            pack = self._all.get(id)
        if pack is None:
            known = "、".join([self.default.id, *self._all])
            raise Refused(404, "pack", f"没有报表包“{id[:80]}”；可用的有：{known}")
        return pack

    def described(self) -> list[dict[str, Any]]:
        """Return all packs as plain JSON data, the default one first."""
        with self._lock:
            others = [pack for id, pack in self._all.items() if id != self.default.id]
        return [_described(self.default, True), *(_described(pack, False) for pack in others)]

    @cached_property
    def _all(self) -> dict[str, Pack]:
        found: dict[str, Pack] = {}
        for folder in list_packs(self._folders):
            try:
                pack = load_pack(folder)
            except PackError:
                continue  # the command line says what is wrong with it
            found.setdefault(pack.id, pack)
        return found


def _described(pack: Pack, default: bool) -> dict[str, Any]:
    meta = pack.meta
    return {
        "id": pack.id,
        "title": pack.title,
        "language": str(meta.get("language", "")),
        "years": dict(meta.get("years", {})),
        "basis": dict(meta.get("basis", {})),
        "templates": [{"name": t["name"], "title": t["title"]} for t in meta["template"]],
        "schema": pack.schema,
        "default": default,
    }
