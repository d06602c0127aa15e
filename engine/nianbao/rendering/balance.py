"""Whether what a loop repeats, or a condition leaves out, keeps the XML of a part balanced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

_ELEMENT = re.compile(r"<(/?)([\w:.-]+)[^>]*?(/?)>")


def bodies(tree: nodes.Template) -> Iterator[Sequence[nodes.Node]]:
    """Yield the bodies of all loops and conditions of a template."""
    for node in tree.find_all((nodes.For, nodes.If)):
        assert isinstance(node, nodes.For | nodes.If)
        yield node.body
        yield node.else_


def keeps_balance(body: Sequence[nodes.Node]) -> bool:
    """Return whether a body may be printed any number of times.

    It may where what it closes it opens again: ``</w:p><w:p>``. Bodies within it are held to the same, so
    they do not count.
    """
    closed: list[str] = []
    opened: list[str] = []
    for closing, name, empty in _ELEMENT.findall(_literal(body)):
        if empty:
            continue
        if not closing:
            opened.append(name)
        elif not opened:
            closed.append(name)
        elif opened.pop() != name:
            return False
    return opened == closed[::-1]


def _literal(body: Sequence[nodes.Node]) -> str:
    outputs = (node for node in body if isinstance(node, nodes.Output))
    return "".join(part.data for o in outputs for part in o.nodes if isinstance(part, nodes.TemplateData))
