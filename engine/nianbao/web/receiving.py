"""What a request brings: its form, read within the limits, and its files in a folder of ours."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nianbao.web.settings import Limits
from nianbao.web.uploads import Refused, Stored, must_be_reasonable, new_path, shown_name

_FIELDS = 50
# Exports bring the list of what is shown.
_FIELD_SIZE = 1 << 20


@asynccontextmanager
async def form_of(request: Request, limits: Limits) -> AsyncIterator[FormData]:
    """Give the form of a request and forget its files afterwards; raises Refused for one that is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise Refused(415, "content-type", "请求应是 multipart/form-data（上传文件）或 application/json")
    try:
        # One more than the limit: to count them is to tell the sender how many there may be.
        form = await request.form(max_files=limits.files + 1, max_fields=_FIELDS, max_part_size=_FIELD_SIZE)
    except HTTPException as error:
        if "files" in error.detail:
            raise _too_many(limits) from None
        raise Refused(400, "form", "表单不完整或格式不对，请重新上传") from None
    try:
        yield form
    finally:
        await form.close()


async def stored(form: FormData, name: str, folder: Path, limits: Limits) -> list[Stored]:
    """Return the files of a form field, put into `folder` under names of ours; raises Refused."""
    uploads = [part for part in form.getlist(name) if isinstance(part, UploadFile) and part.filename]
    if len(uploads) > limits.files:
        raise _too_many(limits)
    return await to_thread.run_sync(_store, uploads, folder, limits)


def _store(uploads: Iterable[UploadFile], folder: Path, limits: Limits) -> list[Stored]:
    files: list[Stored] = []
    try:
        for upload in uploads:
            name = shown_name(upload.filename)
            file = Stored(name, new_path(folder, name))
            files.append(file)
            with file.path.open("xb") as target:
                shutil.copyfileobj(upload.file, target, 1 << 20)
            must_be_reasonable(file, limits)
    except BaseException:
        for file in files:
            file.path.unlink(missing_ok=True)
        raise
    return files


def _too_many(limits: Limits) -> Refused:
    return Refused(413, "too-many", f"一次最多上传{limits.files}个文件，请分几次上传")
