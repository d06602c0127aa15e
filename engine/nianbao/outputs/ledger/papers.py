"""Writes notices and sign-off sheets: Word files from a template of the pack or of the office."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nianbao.errors import OutputError, TemplateError
from nianbao.filenames import Namer
from nianbao.ledger.lines import DONE, Ledger, Line
from nianbao.outputs.files import FileGroup, make_folder
from nianbao.outputs.ledger.documents import (
    NOTICE,
    SIGNOFF,
    document_properties,
    notice_context,
    signoff_context,
)
from nianbao.outputs.ledger.mail import mail_text
from nianbao.outputs.results.words import Words
from nianbao.pack import Pack
from nianbao.rendering.lint import load_document
from nianbao.rendering.template import CompiledTemplate

_NAMES: Mapping[str, Mapping[str, tuple[str, ...] | None]] = {"notice": NOTICE, "signoff": SIGNOFF}
_WORDS = {"notice": ("更正通知", "--notice-template"), "signoff": ("审签单", "--signoff-template")}


def paper_template(kind: str, pack: Pack, own: Path | None = None) -> CompiledTemplate:
    """Return the compiled template of a `notice` or `signoff`: the office's own, else the pack's.

    Raises TemplateError where there is none, or the office's own may not be used.
    """
    word, option = _WORDS[kind]
    if own is not None:
        try:
            content = own.read_bytes()
        except OSError:
            raise TemplateError(f"找不到{word}的模板{own}，请检查路径", file=str(own)) from None
        return load_document(content, own.name, _NAMES[kind])
    file = pack.meta.get("documents", {}).get(kind)
    if file is None:
        raise TemplateError(f"报表包{pack.id}没有{word}的模板，请用 {option} 给出")
    return load_document(pack.sources[file], file, _NAMES[kind])


NOTICE_NAME, SIGNOFF_NAME = "更正通知", "审签单"


@dataclass(frozen=True)
class Notice:
    """A notice to an agency: its Word file and its text for an e-mail; `name` is that of a file of it."""

    name: str
    docx: bytes
    mail: str

    @property
    def text(self) -> bytes:
        """The text as a file that older editors read too: they take one without the mark for GBK."""
        return self.mail.replace("\n", "\r\n").encode("utf-8-sig", "replace")


def notices_of(
    ledger: Ledger,
    pack: Pack,
    template: CompiledTemplate,
    *,
    office: str = "",
    reply_by: date | None = None,
    lines: Iterable[Line] | None = None,
) -> Iterator[Notice]:
    """Yield the notice of each agency that has something to do, or of each of `lines`.

    `reply_by` is the day asked for, by default the deadline of the report, where it has not passed.
    """
    words, namer = Words(pack), Namer()
    for line in ledger.lines if lines is None else lines:
        if line.status in DONE:
            continue
        by = reply_by or (line.member.due if line.member.due >= ledger.today else None)
        context = notice_context(line, ledger, pack, words, office, by)
        name, _ = namer.name(f"{line.member.name}{ledger.year}年{NOTICE_NAME}")
        properties = document_properties(f"{line.member.name}{NOTICE_NAME}", ledger, office, pack)
        yield Notice(name, template.render(context, properties), mail_text(context, line.member.email))


def write_notices(
    folder: Path,
    ledger: Ledger,
    pack: Pack,
    template: CompiledTemplate,
    *,
    office: str = "",
    reply_by: date | None = None,
) -> list[Path]:
    """Write a Word file and a text for each agency that has something to do; return the Word files.

    `reply_by` is as `notices_of` takes it. What an earlier run has written for agencies that are done now is
    removed. Raises OutputError.
    """
    make_folder(folder)
    written: list[Path] = []
    papers: list[tuple[Path, bytes]] = []
    for notice in notices_of(ledger, pack, template, office=office, reply_by=reply_by):
        path = folder / f"{notice.name}.docx"
        papers += [(path, notice.docx), (folder / f"{notice.name}.txt", notice.text)]
        written.append(path)
    _write(papers)
    _remove_others(folder, NOTICE_NAME, written)
    return written


def write_signoffs(folder: Path, ledger: Ledger, pack: Pack, template: CompiledTemplate) -> list[Path]:
    """Write the sign-off sheet of each agency whose report may be signed; return the files.

    The sheet of figures that are signed already stays as it is. Raises OutputError.
    """
    make_folder(folder)
    words, namer = Words(pack), Namer()
    written: list[Path] = []
    papers: list[tuple[Path, bytes]] = []
    for line in ledger.lines:
        if line.adopted is None or line.status not in DONE:
            continue
        name, _ = namer.name(f"{line.member.name}{ledger.year}年{SIGNOFF_NAME}")
        path = folder / f"{name}.docx"
        written.append(path)
        if line.status != "passed" and path.exists():
            continue
        context = signoff_context(line, line.adopted, ledger, pack, words)
        properties = document_properties(f"{line.member.name}{SIGNOFF_NAME}", ledger, line.member.name, pack)
        papers.append((path, template.render(context, properties)))
    _write(papers)
    _remove_others(folder, SIGNOFF_NAME, written)
    return written


def _write(papers: Iterable[tuple[Path, bytes]]) -> None:
    """Write papers together; one that is there as it should be stays."""
    with FileGroup() as files:
        for path, content in papers:
            if not (path.is_file() and path.read_bytes() == content):
                files.write(path, content)


def _remove_others(folder: Path, ending: str, written: list[Path]) -> None:
    """Remove the papers of an earlier run that no longer hold: nobody signs or sends last week's."""
    current = {path.stem for path in written}
    for path in folder.glob(f"*{ending}.*"):
        if path.suffix in (".docx", ".txt") and path.stem not in current:
            try:
                path.unlink()
            except OSError as error:
                raise OutputError(
                    f"{path}已经过时，但不能删除（{error.strerror}），请关闭后重试", file=str(path)
                ) from error
