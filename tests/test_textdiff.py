"""Differences between texts: words as people see them, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nianbao.comparison.textdiff import diff_texts, likeness, text_form

MARKS = {"same": "{}", "deleted": "[-{}-]", "inserted": "{{+{}+}}"}
TEXTS = st.text(st.sampled_from("年本局公开信息12３4%.,，。；！”“ \n　\u200bAbcé办结"), max_size=60)


def marked(before: str, after: str) -> str:
    sentences = diff_texts(before, after)
    return "".join(MARKS[p.mark].format(p.text) for s in sentences for p in s.pieces)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("新收258件。", "新收275件。", "新收[-258-]{+275+}件。"),
        ("收费163.8908万元。", "收费163.8980万元。", "收费[-163.8908-]{+163.8980+}万元。"),
        ("办结率100%。", "办结率96.5%。", "办结率[-100%-]{+96.5%+}。"),
        ("本局公开目录。", "本局主动公开目录。", "本局{+主动+}公开目录。"),
        ("一是甲。二是乙。三是丙。", "一是甲。三是丙。", "一是甲。[-二是乙。-]三是丙。"),
        (
            "围绕重点事项，公布办事指南。",
            "围绕重点事项。公布办事指南。",
            "围绕重点事项[-，-]{+。+}公布办事指南。",
        ),
        ("2023年", "全新", "[-2023年-]{+全新+}"),
        ("", "新写的一段。", "{+新写的一段。+}"),
        ("他说“没有。”然后离开。", "他说“没有。”然后回来。", "他说“没有。”然后[-离开-]{+回来+}。"),
    ],
)
def test_a_difference_is_marked_word_by_word(before: str, after: str, expected: str) -> None:
    assert marked(before, after) == expected


def test_scraps_between_changes_do_not_stay_as_confetti() -> None:
    text = marked("群众最常查询的内容已经公开。", "群众最关心的内容已经公开。")
    assert text == "群众最[-常查询-]{+关心+}的内容已经公开。"
    assert marked("甲乙丙丁戊己庚辛，本局定期检查。", "子丑丙寅卯巳午未，本局定期检查。").count("[-") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("本年度没有制发\n规范性文件。", "本年度没有制发规范性文件。"),
        ("２０２３年，AI 平台", "2023年,AI平台"),
        ("⼀是“公开”", '一是"公开"'),
        ("新收12件", "新收 12 件\u200b"),
    ],
)
def test_line_breaks_and_forms_of_characters_are_no_difference(before: str, after: str) -> None:
    assert text_form(before) == text_form(after)
    assert all(sentence.same for sentence in diff_texts(before, after))


@given(TEXTS, TEXTS)
def test_the_pieces_are_the_two_texts(before: str, after: str) -> None:
    pieces = [piece for sentence in diff_texts(before, after) for piece in sentence.pieces]
    # Texts of white space alone are blank fields, which have no words.
    if text_form(before):
        assert "".join(piece.before for piece in pieces) == before
    if text_form(after):
        assert "".join(piece.after for piece in pieces) == after
    assert all(text_form(p.before) == text_form(p.after) for p in pieces if p.mark == "same")


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(sentence.same for sentence in diff_texts(text, text))
    assert likeness(text, text) == 1


@given(TEXTS, TEXTS)
def test_texts_without_a_changed_sentence_are_equal_in_form(before: str, after: str) -> None:
    if all(sentence.same for sentence in diff_texts(before, after)):
        assert text_form(before) == text_form(after)


def test_very_long_texts_are_compared_without_taking_for_ever() -> None:
    before = "".join(f"第{i}项工作已经完成，办结{i * 7}件。" for i in range(3000))
    after = before.replace("第1500项", "第一千五百项").replace("。", "。\n", 100)
    changed = [s for s in diff_texts(before, after) if not s.same]
    assert len(changed) == 1
    endless = [chr(0x4E00 + i * i % 20011) for i in range(60_000)]
    other = [*endless[:30_000], *"另外加上一句", *endless[30_000:]]
    marks = {p.mark for s in diff_texts("".join(endless), "".join(other)) for p in s.pieces}
    assert "inserted" in marks
    monotonous = "公开。" * 20_000
    assert sum(not s.same for s in diff_texts(monotonous, monotonous + "公开了。")) >= 1
