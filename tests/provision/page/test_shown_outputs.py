"""Outputs of paragraphs, as the page may show them."""

import pytest

from provision.page.shown_outputs import (
    HtmlOutput,
    ImageOutput,
    TableOutput,
    TextOutput,
    safe_html,
    shown_outputs,
)
from zeppelin_sdk import ResultMessage

PNG = "iVBORw0KGgo="


def one(kind: str, data: str) -> object:
    (shown,) = shown_outputs([ResultMessage(kind, data)])
    return shown


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img src=https://evil.example/pixel>",
        "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' data:text/html,<script>alert(1)</script>'>x</a>",
        "<iframe src=http://evil.example></iframe>",
        "<form action=http://evil.example><input name=password></form>",
        "<div style='position:fixed;inset:0' class='fixed-full' id=main>x</div>",
        "<link rel=stylesheet href=http://evil.example/x.css><style>@import 'x'</style>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<base href=http://evil.example/><meta http-equiv=refresh content='0;url=http://evil.example'>",
    ],
)
def test_html_runs_nothing_and_asks_nobody(html: str) -> None:
    safe = safe_html(html).lower()
    for word in (
        "script",
        "onerror",
        "onload",
        "javascript:",
        "evil",
        "<svg",
        "<form",
        "style",
        "class",
        " id=",
        "data:text",
    ):
        assert word not in safe.replace("&lt;script&gt;", "")


def test_html_keeps_what_is_to_be_read() -> None:
    html = '<div class="markdown-body"><h1>Title</h1><p><em>a</em> <a href="https://example.org">b</a></p></div>'
    shown = one("HTML", html)
    assert isinstance(shown, HtmlOutput)
    assert "<h1>Title</h1><p><em>a</em>" in shown.html
    assert 'href="https://example.org"' in shown.html
    assert "noopener" in shown.html


def test_what_a_paragraph_hides_stays_hidden() -> None:
    assert safe_html("<div hidden>import netpie.spark._\n") == '<div hidden="">import netpie.spark._\n</div>'


def test_an_image_that_holds_itself_is_shown() -> None:
    assert one("IMG", PNG) == ImageOutput(f"data:image/png;base64,{PNG}")
    assert isinstance(one("HTML", f'<img src="data:image/png;base64,{PNG}">'), HtmlOutput)


@pytest.mark.parametrize(
    "data", ['x" onerror="alert(1)', "http://evil.example/x.png", "data:text/html;base64,PHN2Zz4="]
)
def test_anything_else_is_no_image(data: str) -> None:
    assert isinstance(one("IMG", data), TextOutput)


def test_a_table_is_cut_at_its_most_rows_and_says_how_many_there_were() -> None:
    shown = one("TABLE", "id\tcpu\n" + "ant\t1\n" * 1500)
    assert isinstance(shown, TableOutput)
    assert (len(shown.table.rows), shown.rows) == (1000, 1500)


def test_text_is_told_without_what_drives_a_terminal() -> None:
    assert one("TEXT", "\x1b[31mred\x1b[0m\n") == TextOutput("red")


def test_what_is_empty_is_left_out() -> None:
    assert shown_outputs([ResultMessage("TEXT", "  \n"), ResultMessage("HTML", "<style>x</style>")]) == []


def test_angular_is_shown_as_its_text() -> None:
    assert one("ANGULAR", "<b>{{x}}</b>") == TextOutput("{{x}}")
