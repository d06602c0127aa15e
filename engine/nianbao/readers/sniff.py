"""What a file is, told by its content: people rename files, and systems export HTML as .xls."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from nianbao.errors import InputError
from nianbao.readers import ole
from nianbao.readers.plaintext import decode_head, guess_delimiter
from nianbao.readers.trouble import broken, reading, trouble

Kind = Literal[
    "xlsx", "xls", "ods", "csv", "json", "jsonl", "docx", "pdf", "html", "mhtml", "text",
    "doc", "wps", "et", "xlsb", "ofd", "encrypted", "zip", "empty", "unknown",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

WORKBOOK_STREAMS = frozenset({"Workbook", "Book", "WORKBOOK", "BOOK"})  # of Excel 97, of Excel 5
_HEAD = 1 << 16
# Names of spreadsheets: what is something else inside was renamed, or exported by a careless system.
SHEETS = {".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".et", ".ods"}
_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08")
_HTML = re.compile(r"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|\??xml[^>]*>\s*<(?:!doctype\s+)?html|"
                   r"html|head|body|table|div|meta|title|style|section|article|span|center|p|h[1-6])[\s>/]",
                   re.IGNORECASE | re.DOTALL)  # fmt: skip
_MHTML = re.compile(
    r"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?content-type:\s*multipart/related", re.IGNORECASE
)
# Office on the web numbers the main part.
_MAIN_PARTS: tuple[tuple[str, Kind], ...] = (
    (r"xl/workbook\d*\.xml", "xlsx"), (r"word/document\d*\.xml", "docx"),
    (r"xl/workbook\d*\.bin", "xlsb"), (r"ofd\.xml", "ofd"),
)  # fmt: skip
_OPENING = re.compile(r'\{\s*["}]|\[\s*["{\[\]]')
_NAMES: dict[Kind, str] = {
    "xlsx": "Excel工作簿", "xls": "Excel 97-2003工作簿", "ods": "ODS表格", "csv": "CSV文本",
    "json": "JSON数据", "jsonl": "JSON数据", "docx": "Word文档", "pdf": "PDF文件",
    "html": "网页", "mhtml": "网页", "text": "纯文本",
}  # fmt: skip
_ADVICE: dict[Kind, str] = {
    "empty": "文件是空的（0字节），请重新导出或复制后再试",
    "encrypted": "文件有密码，请在Excel中取消打开密码后另存，再重新运行",
    "doc": "这是旧版Word文档（.doc），请用Word或WPS打开，另存为.docx后再试",
    "wps": "这是WPS文字文档（.wps），请用WPS打开，另存为.docx后再试",
    "et": "这是WPS表格文件（.et），请用WPS打开，另存为.xlsx后再试",
    "xlsb": "这是Excel二进制工作簿（.xlsb），请用Excel打开，另存为.xlsx后再试",
    "ofd": "这是OFD版式文件，请改用生成它的.docx或.xlsx文件",
    "zip": "这是压缩包，请先解压，再给出其中的文件",
    "unknown": "无法识别文件内容，请用Excel、Word或WPS打开，另存为.xlsx或.docx后再试",
}


def sniff(path: Path) -> Kind:
    """Return what kind of file `path` is.

    Raises InputError where there is no such file, it is a folder, may not be read, or is a zip
    or compound file that is cut off.
    """
    with reading(path), path.open("rb") as stream:
        head = stream.read(_HEAD)
        if not head:
            return "empty"
        if head.startswith(b"PK\x03\x04"):
            return _zip_kind(stream, path)
        if head.startswith(ole.MAGIC):
            return _ole_kind(stream, path)
        if b"%PDF-" in head[:1024]:
            return "pdf"
        if head.startswith((b"PK\x05\x06", *_ARCHIVES)):
            return "zip"
        return _text_kind(head, path.suffix.lower(), whole=len(head) < _HEAD)


def unreadable(path: Path, kind: Kind) -> InputError:
    """Return the error for a file of a kind that is not read where it was given."""
    suffix = path.suffix.lower()
    if suffix in SHEETS and kind in ("text", "html", "pdf", "docx", "json", "jsonl", "unknown"):
        looks = f"，看来是{_NAMES[kind]}" if kind in _NAMES else ""
        return trouble(
            path, f"扩展名是{suffix}，但内容不是Excel工作簿{looks}，请用Excel打开原始数据，另存为.xlsx后再试"
        )
    if kind in _ADVICE:
        return trouble(path, _ADVICE[kind])
    return trouble(path, f"这是{_NAMES[kind]}，不是表格文件，请给出.xlsx、.xls、.ods或.csv文件")


def _zip_kind(stream: BinaryIO, path: Path) -> Kind:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
            if "mimetype" in names and "content.xml" in names:
                return _open_document_kind(archive, names)
    except zipfile.BadZipFile as error:
        raise broken(path) from error
    for mark, kind in _MAIN_PARTS:
        if any(map(re.compile(mark).fullmatch, names)):
            return kind
    return "zip"


def _open_document_kind(archive: zipfile.ZipFile, names: dict[str, str]) -> Kind:
    with archive.open(names["mimetype"]) as part:
        media = part.read(200)
    if not media.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "zip"
    manifest = names.get("meta-inf/manifest.xml")
    if manifest is not None:
        with archive.open(manifest) as part:
            if b"encryption-data" in part.read(1 << 20):
                return "encrypted"
    return "ods"


def _ole_kind(stream: BinaryIO, path: Path) -> Kind:
    try:
        names = ole.CompoundFile(stream).names
    except ValueError as error:
        raise broken(path) from error
    suffix = path.suffix.lower()
    if "EncryptedPackage" in names:
        return "encrypted"
    if names & WORKBOOK_STREAMS:
        return "xls"  # also .et, which has the same streams
    if "WordDocument" in names:
        return "wps" if suffix == ".wps" else "doc"
    if suffix in (".wps", ".wpt") or names & {"MatOST", "MM"}:
        return "wps"
    return "et" if suffix in (".et", ".ett") else "unknown"


def _text_kind(head: bytes, suffix: str, *, whole: bool) -> Kind:
    text = decode_head(head)
    if text is None:
        return "csv" if suffix in (".csv", ".tsv") else "unknown"  # its reader says what is wrong
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        return "empty"
    if start.startswith("{\\rtf"):
        return "doc"
    if _MHTML.match(start):
        return "mhtml"
    if _OPENING.match(start):
        return _json_kind(start, suffix)
    if _HTML.match(start):
        return "html"
    if suffix in (".csv", ".tsv"):
        return "csv"
    if start.startswith("<?xml"):
        return "unknown"
    if suffix in (".md", ".htm", ".html") or not guess_delimiter(text, whole=whole)[1]:
        return "text"
    return "csv"


def _json_kind(start: str, suffix: str) -> Kind:
    """Return "jsonl" where the first line is a value by itself and is not the only one."""
    first, _, rest = start.partition("\n")
    try:
        json.loads(first)
    except ValueError:
        return "json"
    return "jsonl" if rest.strip() or suffix in (".jsonl", ".ndjson") else "json"
