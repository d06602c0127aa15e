"""A new workbook with the named styles, marked with the pack that it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook import Workbook

from nianbao.outputs.workbook.styles import add_styles
from nianbao.pack import Pack

# The rows of a sheet as the XML of their elements, in pieces.
Body = Iterable[bytes]
# The custom property of a workbook that names its pack.
PACK_PROPERTY = "nianbao.pack"


@contextmanager
def streamed_workbook(pack: Pack) -> Iterator[Workbook]:
    """Give a workbook whose sheets are written row by row."""
    workbook = new_workbook(pack, streamed=True)
    try:
        yield workbook
    finally:
        # Sheets that an error leaves open would complain when they are thrown away.
        sheets: list[Any] = workbook.worksheets
        for sheet in sheets:
            if not sheet.closed:
                sheet.close()


def new_workbook(pack: Pack, *, streamed: bool = False) -> Workbook:
    """Return a workbook without sheets; those of a `streamed` one are written row by row."""
    workbook = Workbook(write_only=streamed)
    for name in workbook.sheetnames:
        del workbook[name]
    add_styles(workbook)
    workbook.properties.title = pack.title
    # The type stubs do not know custom properties yet.
    custom: Any = getattr(workbook, "custom_doc_props")  # noqa: B009
    custom.append(StringProperty(name=PACK_PROPERTY, value=pack.id))
    return workbook
