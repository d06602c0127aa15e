"""What Jinja says of a template that it cannot read, in Chinese."""

from __future__ import annotations

import re

from jinja2 import TemplateSyntaxError

_SYNTAX = (
    (re.compile(r"No filter named '(\w+)'"), "不能用|{}，只能用|paragraphs"),
    (re.compile(r"Unexpected end of template"), "循环或条件没有结尾，请补上 {{% endfor %}} 或 {{% endif %}}"),
    (re.compile(r"Encountered unknown tag '(\w+)'"), "没有“{}”这种标签，或者它前面缺少开头"),
    (re.compile(r"[Ee]xpected|unexpected"), "标签 {{{{ }}}} 或 {{% %}} 里的写法不对"),
)


def syntax_words(error: TemplateSyntaxError) -> str:
    """Return what is wrong with a template and what to do; what is rare in the words of Jinja."""
    message = error.message or ""
    for pattern, words in _SYNTAX:
        if found := pattern.search(message):
            return words.format(*found.groups())
    return message
