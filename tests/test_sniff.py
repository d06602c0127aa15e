"""What a file is, told by its content; and what is said of files that are not read."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet, OpenDocumentText

from nianbao.errors import InputError
from nianbao.readers.ole import CompoundFile
from nianbao.readers.sheets import read_sheets
from nianbao.readers.sniff import KINDS, sniff, unreadable


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def compound_file(*names: str) -> bytes:
    """Return a minimal OLE compound file: a header, an allocation table, a directory."""
    header = struct.pack("<8s16x5H6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    sectors = -(-(len(names) + 1) // 4)
    chain = [*range(2, sectors + 1), 0xFFFFFFFE]
    table = [0xFFFFFFFD, *chain] + [0xFFFFFFFF] * (127 - sectors)
    entries = [entry("Root Entry", 5), *(entry(name, 2) for name in names)]
    directory = b"".join(entries).ljust(sectors * 512, b"\0")
    return header + struct.pack("<128I", *table) + directory


def entry(name: str, kind: int) -> bytes:
    text = name.encode("utf-16-le")
    return struct.pack("<64sHB", text, len(text) + 2, kind).ljust(128, b"\0")


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active["A1"] = "单位"
    book.save(path)
    return path


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return path


def test_workbooks_are_told_by_content_whatever_the_suffix(tmp_path: Path) -> None:
    assert sniff(workbook(tmp_path / "a.xlsx")) == "xlsx"
    assert sniff(workbook(tmp_path / "b.xlsx").rename(tmp_path / "b.xls")) == "xlsx"
    assert sniff(zipped(tmp_path / "c.xlsx", "xl/workbook2.xml")) == "xlsx"
    old = xlwt.Workbook()
    old.add_sheet("一").write(0, 0, 1)
    old.save(str(tmp_path / "d.xlsx"))
    assert sniff(tmp_path / "d.xlsx") == "xls"
    OpenDocumentSpreadsheet().save(str(tmp_path / "e.ods"))
    assert sniff(tmp_path / "e.ods") == "ods"


@pytest.mark.parametrize(
    ("name", "part", "kind"),
    [
        ("a.docx", "word/document.xml", "docx"),
        ("a.xlsb", "xl/workbook.bin", "xlsb"),
        ("a.ofd", "OFD.xml", "ofd"),
        ("a.zip", "报表/甲局.xlsx", "zip"),
    ],
)
def test_packages_are_told_by_their_main_part(tmp_path: Path, name: str, part: str, kind: str) -> None:
    assert sniff(zipped(tmp_path / name, part)) == kind


def test_an_odt_is_no_spreadsheet(tmp_path: Path) -> None:
    OpenDocumentText().save(str(tmp_path / "a.odt"))
    assert sniff(tmp_path / "a.odt") == "zip"


@pytest.mark.parametrize(
    ("name", "streams", "kind"),
    [
        ("a.xls", ["Workbook"], "xls"),
        ("a.xls", ["Book"], "xls"),
        ("a.et", ["Workbook"], "xls"),
        ("a.et", ["SomethingNew"], "et"),
        ("a.doc", ["1Table", "WordDocument"], "doc"),
        ("a.wps", ["1Table", "WordDocument"], "wps"),
        ("a.wps", ["CONTENTS", "MatOST"], "wps"),
        ("a.xlsx", ["EncryptionInfo", "EncryptedPackage"], "encrypted"),
        ("a.ppt", ["PowerPoint Document"], "unknown"),
        ("a.doc", ["a", "b", "c", "d", "e", "f", "g", "h", "WordDocument"], "doc"),
    ],
)
def test_compound_files_are_told_by_their_streams(
    tmp_path: Path, name: str, streams: list[str], kind: str
) -> None:
    assert sniff(write(tmp_path / name, compound_file(*streams))) == kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.json", '{"agency": "甲局"}', "json"),
        ("a.json", '\ufeff\n [\n {"agency": "甲局"}]', "json"),
        ("a.json", "{}", "json"),
        ("a.json", '{"agency": 甲局', "json"),
        ("a.jsonl", '{"agency": "甲局"}', "jsonl"),
        ("a.txt", '{"agency": "甲局"}\n{"agency": "乙局"}\n', "jsonl"),
        ("a.txt", "{{ agency }}年度报告", "text"),
        ("a.txt", "[2023]5号文件", "text"),
        ("a.htm", "<!DOCTYPE html><html></html>", "html"),
        ("a.xls", "\ufeff<!-- 导出 -->\n<TABLE border=1><tr><td>1</td></tr></TABLE>", "html"),
        ("a.html", '<?xml version="1.0"?><html xmlns="x"/>', "html"),
        ("a.xls", '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "unknown"),
        ("a.csv", "只有一列\n甲局", "csv"),
        ("a.txt", "单位,新收\n甲局,1\n乙局,2\n", "csv"),
        ("a.xls", "单位\t新收\n甲局\t1\n", "csv"),
        ("a.md", "a,b,c\nd,e,f\n", "text"),
        ("a.txt", "甲局2023年政府信息公开工作年度报告\n一、总体情况\n, 略\n", "text"),
        ("a.txt", "Dear all, hello\nRegards, me", "text"),
        ("a.doc", r"{\rtf1\ansi 报告}", "doc"),
        ("a.txt", "\n\n  ", "empty"),
        ("a.txt", "", "empty"),
    ],
)
def test_texts_are_told_by_how_they_begin(tmp_path: Path, name: str, text: str, kind: str) -> None:
    assert sniff(write(tmp_path / name, text)) == kind


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_is_text_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    assert sniff(write(tmp_path / "a.txt", "甲局年度报告\n一、总体情况\n".encode(encoding))) == "text"
    long = "单位,新收,结转\n" + "甲乙丙丁局,1,2\n" * 9000
    assert sniff(write(tmp_path / "b.txt", long.encode(encoding))) == "csv"


def test_binary_data_is_unknown_and_a_pdf_is_a_pdf(tmp_path: Path) -> None:
    assert sniff(write(tmp_path / "a.bin", bytes(range(256)))) == "unknown"
    assert sniff(write(tmp_path / "a.pdf", b"%PDF-1.7\n")) == "pdf"
    assert sniff(write(tmp_path / "a.rar", b"Rar!\x1a\x07\x01\x00")) == "zip"
    assert sniff(write(tmp_path / "b.zip", b"PK\x05\x06" + bytes(18))) == "zip"


def test_an_encrypted_ods_is_encrypted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", b"\x12\x34")
        archive.writestr("META-INF/manifest.xml", "<m:file-entry><m:encryption-data/></m:file-entry>")
    assert sniff(tmp_path / "a.ods") == "encrypted"
    with pytest.raises(InputError, match="文件有密码"):
        read_sheets(tmp_path / "a.ods")


def test_a_missing_file_and_a_folder_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"报表\.xlsx：找不到文件，请检查路径") as caught:
        sniff(tmp_path / "报表.xlsx")
    assert caught.value.file == str(tmp_path / "报表.xlsx")
    with pytest.raises(InputError, match="这是文件夹"):
        sniff(tmp_path)


def test_a_file_without_permission_is_said_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,2")
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            # Root may read everything; for a moment we are nobody.
            os.seteuid(65534)
        with pytest.raises(InputError, match="没有读取权限"):
            sniff(path)
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("keep", [5, 300, 0.5, 0.99])
def test_a_zip_that_is_cut_off_is_said_to_be_damaged(tmp_path: Path, keep: float) -> None:
    data = workbook(tmp_path / "a.xlsx").read_bytes()
    cut = keep if keep > 1 else int(len(data) * keep)
    with pytest.raises(InputError, match="已损坏或不完整"):
        sniff(write(tmp_path / "b.xlsx", data[: int(cut)]))


@pytest.mark.parametrize("cut", [8, 511, 600, 1030])
def test_a_compound_file_that_is_cut_off_is_said_to_be_damaged(tmp_path: Path, cut: int) -> None:
    with pytest.raises(InputError, match="已损坏或不完整"):
        sniff(write(tmp_path / "a.xls", compound_file("Workbook")[:cut]))


def test_a_compound_file_whose_sectors_run_in_a_circle_is_said_to_be_damaged(tmp_path: Path) -> None:
    data = bytearray(compound_file("Workbook"))
    struct.pack_into("<I", data, 512 + 4, 1)
    with pytest.raises(InputError, match="已损坏或不完整"):
        sniff(write(tmp_path / "a.xls", bytes(data)))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (
            "报表.xlsx",
            compound_file("EncryptedPackage"),
            "报表.xlsx：文件有密码，请在Excel中取消打开密码后另存",
        ),
        ("报表.doc", compound_file("WordDocument"), "旧版Word文档（.doc），请用Word或WPS打开，另存为.docx"),
        ("报表.wps", compound_file("WordDocument"), "WPS文字文档（.wps），请用WPS打开，另存为.docx"),
        ("报表.et", compound_file("New"), "WPS表格文件（.et），请用WPS打开，另存为.xlsx"),
        ("报表.xlsx", "年度报告\n正文".encode(), "扩展名是.xlsx，但内容不是Excel工作簿，看来是纯文本"),
        ("报表.xls", b"<html></html>", "扩展名是.xls，但内容不是Excel工作簿，看来是网页"),
        ("报表.xlsx", b"\x00\x01\x02", "扩展名是.xlsx，但内容不是Excel工作簿，请用Excel打开原始数据"),
        ("报表.xlsx", b"", "文件是空的"),
        ("报表.pdf", b"%PDF-1.4", "这是PDF文件，不是表格文件"),
        ("报表.bin", b"\x00\x01\x02", "无法识别文件内容"),
    ],
)
def test_a_file_that_is_no_table_gets_one_sentence_that_says_what_to_do(
    tmp_path: Path, name: str, data: bytes, sentence: str
) -> None:
    path = write(tmp_path / name, data)
    with pytest.raises(InputError) as caught:
        read_sheets(path)
    assert sentence in caught.value.message
    assert caught.value.message.startswith(f"{name}：")
    assert caught.value.file == str(path)


def test_there_is_a_sentence_for_every_kind() -> None:
    for kind in KINDS:
        assert str(unreadable(Path("报表.dat"), kind)).startswith("报表.dat：")
        assert str(unreadable(Path("报表.xlsx"), kind)).startswith("报表.xlsx：")


def test_a_stream_is_read_from_among_the_small_ones(tmp_path: Path) -> None:
    data = bytearray(compound_file("Small", "Huge"))
    small, huge = b"0123456789" * 10, b"x" * 5000
    tail = struct.pack(
        "<128I", 0xFFFFFFFF, 0xFFFFFFFE, 1, *[0xFFFFFFFF] * 125
    )  # the table of the small sectors
    tail += b"-" * 64 + small[64:].ljust(64, b"-") + small[:64]
    data += tail.ljust(1024, b"\0") + huge
    struct.pack_into("<I", data, 60, 2)
    struct.pack_into("<14I", data, 512 + 8, 0xFFFFFFFE, 0xFFFFFFFE, *range(5, 14), 0xFFFFFFFE, 0, 0)
    for number, start, size in ((0, 3, 192), (1, 2, len(small)), (2, 4, len(huge))):
        struct.pack_into("<II", data, 1024 + 128 * number + 116, start, size)
    path = write(tmp_path / "a.doc", bytes(data))
    with path.open("rb") as stream:
        file = CompoundFile(stream)
        assert file.names == {"Root Entry", "Small", "Huge"}
        assert file.read("Small") == small
        assert file.read("Huge") == huge
    write(path, bytes(data[:-1]))
    with path.open("rb") as stream, pytest.raises(ValueError, match="cut off"):
        CompoundFile(stream).read("Huge")
