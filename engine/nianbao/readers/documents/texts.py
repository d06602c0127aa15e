"""Texts of a finished document: paragraphs of each section, topics, remarks below tables, signatures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nianbao.labels import normal
from nianbao.readers.documents.document import Paragraph
from nianbao.readers.documents.outline import Section, Topic, heading_words
from nianbao.readers.documents.sections import Part
from nianbao.readers.documents.wording import bare

_INDENT = " \t\u3000\xa0\n"
_TOPIC = re.compile(
    r"\s*[#*]*\s*[(（]\s*(?P<number>[一二三四五六七八九十]{1,3})\s*[)）]\s*(?P<rest>.*)", re.DOTALL
)
# What ends a heading that runs on into its paragraph.
_RUN_IN = re.compile(r"[。：:；\n]|\s+(?=\d{4})")
_LONGEST_HEADING = 40
_PLAIN_ENDS = ("", "情况", "工作", "工作情况")
_DATE = re.compile(
    r"[(（]?\s*[\d〇○零一二三四五六七八九]{4}\s*年\s*[\d一二三四五六七八九十]{1,3}\s*月\s*[\d一二三四五六七八九十]{1,3}\s*日\s*[)）]?"
)
_CHINESE = "一二三四五六七八九十"
# What sites print around an article; no report says any of it in a paragraph of its own.
_SITE = re.compile(
    r"(?:发布|更新|成文|公开|生成|发文)?(?:日期|时间)\s*[:：]|(?:信息)?来源\s*[:：]|浏览(?:次数|量)?\s*[:：]|访问量|点击(?:数|率|量)|"
    r"字[体号]\s*[:：]|【?\s*(?:打印|关闭|收藏)|分享(?:到|至)?\s*[:：]?$|索引号|您(?:当前)?(?:的|所在)?位置|当前位置|首页\s*[>＞》]|责任编辑|"
    r"扫一扫|上一[篇条]|下一[篇条]|版权所有|网站地图|无障碍"
)  # fmt: skip

Put = Callable[[str, str, Paragraph], None]
Unwrap = Callable[[Sequence[Paragraph]], list[Paragraph]]


@dataclass(frozen=True)
class TextReader:
    """Takes the texts of a document's parts; `put` keeps one, `unwrap` makes paragraphs of lines."""

    put: Put
    unwrap: Unwrap

    def section(self, part: Part, agency: str) -> list[Paragraph]:
        """Keep the texts of a section; return the paragraphs that the form has no place for."""
        section = part.section
        if section is None:
            return []
        paragraphs = part.paragraphs
        if section.grids:
            return self._beside_tables(section, paragraphs)
        if section.closing:
            paragraphs = self._closing(section, paragraphs, agency)
        body = self.unwrap(paragraphs)
        if section.topics:
            self._topics(section, body)
            return []
        if section.text:
            self.body(section.text, body)
            return []
        return body

    def body(self, path: str, paragraphs: Sequence[Paragraph]) -> None:
        """Keep paragraphs as the text of a field, a line each."""
        lines = [p.text.strip(_INDENT) for p in paragraphs]
        text = "\n".join(line for line in lines if line)
        if text:
            self.put(path, text, paragraphs[0])

    def _topics(self, section: Section, paragraphs: Sequence[Paragraph]) -> None:
        groups = list(_grouped(section, paragraphs))
        further = 0
        for heading, topic, first, body in groups:
            if topic is not None:
                if heading and not _same_heading(heading, topic.default):
                    self.put(topic.heading, heading, first)
                self.body(topic.text, body)
            elif heading and section.further:
                self.put(f"{section.further}[{further}].heading", heading, first)
                self.body(f"{section.further}[{further}].text", body)
                further += 1
            elif section.text:
                self.body(section.text, body)

    def _beside_tables(self, section: Section, paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
        rest = []
        for paragraph in paragraphs:
            text = paragraph.text.strip(_INDENT)
            if section.note and normal(text).startswith(section.note[1]):
                cut = re.match(r"\s*注\s*[:：]\s*", text)
                self.put(section.note[0], text[cut.end() if cut else len(section.note[1]) :], paragraph)
            else:
                rest.append(paragraph)
        return rest

    def _closing(self, section: Section, paragraphs: list[Paragraph], agency: str) -> list[Paragraph]:
        """Keep name and date at the very end, and return what stands before them."""
        rest = list(paragraphs)
        *names, date = section.closing
        if rest and _DATE.fullmatch(rest[-1].text.strip(_INDENT)):
            self.put(date, rest[-1].text.strip(_INDENT), rest[-1])
            rest.pop()
        if rest and names and _signs(rest[-1], agency):
            self.put(names[0], rest[-1].text.strip(_INDENT), rest[-1])
            rest.pop()
        return rest


def _signs(paragraph: Paragraph, agency: str) -> bool:
    text = paragraph.text.strip(_INDENT)
    short = len(text) <= _LONGEST_HEADING and not text.endswith(("。", "；", "："))
    return short and (paragraph.aside or (bool(agency) and bare(text) == bare(agency)))


_Group = tuple[str, Topic | None, Paragraph, list[Paragraph]]


def _grouped(section: Section, paragraphs: Sequence[Paragraph]) -> Iterator[_Group]:
    """Yield (heading, topic, first paragraph, paragraphs) in order; no heading for what stands before."""
    group: _Group | None = None
    taken: set[str] = set()
    number = 0
    for paragraph in paragraphs:
        opened = _opened(paragraph, section, taken, number)
        if opened is None:
            if group is None:
                group = ("", None, paragraph, [])
            group[3].append(paragraph)
            continue
        if group is not None:
            yield group
        heading, topic, rest, number = opened
        taken |= {topic.text} if topic else set()
        body = [Paragraph(rest, paragraph.where)] if rest else []
        group = (heading, topic, paragraph, body)
    if group is not None:
        yield group


def _opened(
    paragraph: Paragraph, section: Section, taken: set[str], number: int
) -> tuple[str, Topic | None, str, int] | None:
    """Return (heading, topic, rest of the paragraph, its number) where a paragraph opens a topic."""
    text = paragraph.text.strip(_INDENT)
    match = _TOPIC.match(text)
    heading, rest = _cut(text, paragraph.heading)
    if len(heading) > _LONGEST_HEADING and not paragraph.heading:
        return None
    own = _chinese(match["number"]) if match else 0
    words = heading_words(heading)
    topic = _topic_of(words, section, taken, by_word=bool(match) or paragraph.heading)
    if topic is not None:
        return heading, topic, rest, own or number + 1
    in_turn = own == number + 1 and not rest
    if paragraph.heading or (match and in_turn and not heading.endswith(("。", "；"))):
        return heading, None, rest, own or number
    return None


def _topic_of(words: str, section: Section, taken: set[str], by_word: bool) -> Topic | None:
    """Return the topic that a heading names; without a number it must be the topic's words alone."""
    for topic in section.topics:
        if topic.text not in taken and topic.words:
            alone = any(words.removeprefix(word) in _PLAIN_ENDS for word in topic.words if word in words)
            if alone or (by_word and any(word in words for word in topic.words)):
                return topic
    return None


def _cut(text: str, whole: bool) -> tuple[str, str]:
    """Return the heading in a paragraph and what runs on after it."""
    end = _RUN_IN.search(text)
    if whole or end is None:
        return text, ""
    return text[: end.start()].strip(), text[end.end() :].strip(_INDENT)


def _chinese(numeral: str) -> int:
    if numeral == "十":
        return 10
    head, ten, tail = numeral.rpartition("十")
    units = _CHINESE.index(tail) + 1 if tail in _CHINESE and len(tail) == 1 else 0
    return (10 * (_CHINESE.index(head) + 1 if head in _CHINESE and head else 1) if ten else 0) + units


def _same_heading(heading: str, default: str) -> bool:
    return normal(heading) == normal(default)


def is_site(text: str) -> bool:
    """Return whether a paragraph is the site's and not the report's."""
    return bool(_SITE.search(text)) and len(text) < 120


def is_date(text: str) -> bool:
    """Return whether a paragraph is nothing but a date."""
    return bool(_DATE.fullmatch(text.strip(_INDENT)))
