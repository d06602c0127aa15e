"""The page around a report: its head, the style sheet of screen, phone and paper."""

from __future__ import annotations

from markupsafe import escape

# Latin letters and digits come from a font of their own; nothing is fetched.
_RULES = """\
@font-face{font-family:nb-latin;src:local("Times New Roman"),local("Liberation Serif");
unicode-range:U+20-7E}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:#eef0f3;color:#000;font-size:1.125rem;overflow-wrap:break-word}
main{box-sizing:border-box;max-width:54rem;margin:1.5rem auto;padding:3.5rem 4.5rem;background:#fff;
box-shadow:0 1px 4px #0003}
h1{text-wrap:balance}
p,h1,h2,h3,h4,h5,h6,td,th{white-space:pre-wrap}
img{max-width:100%;height:auto}
@media (max-width:48rem){
body{background:#fff;font-size:1.0625rem}
main{margin:0;padding:1.25rem 1rem;box-shadow:none}
h1{margin-left:0!important;margin-right:0!important}
}
"""
_PAPER = """\
@media print{
body{background:none;font-size:16pt}
main{max-width:none;margin:0;padding:0;box-shadow:none}
h1,h2,h3,h4,h5,h6{break-after:avoid;break-inside:avoid}
thead{display:table-header-group}
tr,img{break-inside:avoid}
p{orphans:2;widows:2}
}
"""


def page(title: str, body: str, rules: str, language: str, margins: str) -> str:
    """Return a whole page; `margins` are the declarations of its paper."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style_sheet(rules, margins)}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def style_sheet(rules: str, margins: str) -> str:
    """Return the style sheet of a page whose elements have these rules."""
    return f"{_RULES}@page{{{margins}}}\n{_PAPER}{rules}"
