"""What is done to texts to find things sooner changes nothing of what is found."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nianbao.report import Report
from nianbao.rules.textchecks import _by_first_character
from nianbao.values import compatible


@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("，；：（）％！？\u0301\u0338\u3099、。１①㎡"))
    )
)
@example("！\u0301，\u0338（\u3099")
def test_the_compatible_form_is_nfkc(text: str) -> None:
    assert compatible(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    "pattern", ["[(［]20", "[ab]x|cd", "[ab]*x", "[^a]b", "[a-c]d", "a[bc]", r"[\d]x", "[.+]"]
)
@given(text=st.text(alphabet="abcdx.+(［20^-", max_size=12))
def test_alternatives_by_first_character_find_what_the_pattern_does(pattern: str, text: str) -> None:
    parts = [re.compile(part) for part in _by_first_character(pattern)]
    found = re.search(pattern, text)
    starts = [match.start() for part in parts if (match := part.search(text))]
    assert (min(starts) if starts else None) == (found.start() if found else None)


def test_the_texts_of_a_report_are_its_text_values_in_order() -> None:
    data = {
        "agency": "甲",
        "year": 2024,
        "overview": {"additional": [{"heading": "一"}, {"text": "二"}]},
        "problems": None,
    }
    texts = (
        ("agency", "甲"),
        ("overview.additional[0].heading", "一"),
        ("overview.additional[1].text", "二"),
    )
    assert Report(data).texts == texts
