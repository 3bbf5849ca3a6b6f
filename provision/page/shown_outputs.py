"""A paragraph's outputs as the page may show them: nothing in them runs, and no secret that was seen is in them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import nh3

from provision.page.hidden import hidden
from provision.streams.outputs import cut_at, plain
from provision.terminal import harmless
from zeppelin_sdk import ResultMessage, Table

MOST_ROWS = 1000
MOST_TEXT = 200_000
"""Characters of a text that are shown: its end."""
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_TAGS = (
    "a abbr b blockquote br caption code dd del div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li "
    "mark ol p pre q s samp small span strong sub sup table tbody td tfoot th thead tr u ul"
)
_ATTRIBUTES = {
    "a": {"href"},
    "div": {"hidden"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}


@dataclass(frozen=True)
class TextOutput:
    """Text as it stands."""

    text: str


@dataclass(frozen=True)
class TableOutput:
    """Rows, `MOST_ROWS` at most, and how many there were."""

    table: Table
    rows: int


@dataclass(frozen=True)
class HtmlOutput:
    """HTML that was made safe."""

    html: str


@dataclass(frozen=True)
class ImageOutput:
    """The address of an image, which holds it."""

    source: str


ShownOutput = TextOutput | TableOutput | HtmlOutput | ImageOutput


def shown_outputs(messages: Iterable[ResultMessage]) -> list[ShownOutput]:
    """The outputs to show, one after the other; those that have nothing to show are left out."""
    without_secrets = (ResultMessage(message.type, hidden(message.data)) for message in messages)
    return [shown for message in without_secrets if (shown := _shown(message)) is not None]


@lru_cache(maxsize=512)
def _shown(message: ResultMessage) -> ShownOutput | None:
    cut = cut_at(message)
    if cut is not None:
        return TextOutput(f"Zeppelin cut this off at {cut}: run the paragraph again to see more")
    return _KINDS.get(message.type, _as_text)(message) if message.data.strip() else None


def _as_text(message: ResultMessage) -> ShownOutput | None:
    text = harmless(plain(message))
    return TextOutput(text[-MOST_TEXT:].rstrip("\n")) if text.strip() else None


def _as_table(message: ResultMessage) -> ShownOutput | None:
    table = message.table()
    columns = tuple(map(harmless, table.columns))
    rows = [tuple(map(harmless, row)) for row in table.rows[:MOST_ROWS]]
    return TableOutput(Table.of([columns, *rows]), len(table.rows)) if table.columns else None


def _as_html(message: ResultMessage) -> ShownOutput | None:
    html = safe_html(message.data)
    return HtmlOutput(html) if html.strip() else None


def _as_image(message: ResultMessage) -> ShownOutput | None:
    data = message.data.strip()
    source = data if data.startswith("data:") else f"data:image/png;base64,{data}"
    good = _IMAGE.fullmatch(source) and (data.startswith("data:") or _BASE64.fullmatch(data))
    return ImageOutput("".join(source.split())) if good else TextOutput("(an image that can't be shown)")


_KINDS: dict[str, Callable[[ResultMessage], ShownOutput | None]] = {
    "TABLE": _as_table,
    "HTML": _as_html,
    "IMG": _as_image,
}


def safe_html(html: str) -> str:
    """HTML without anything that runs, loads from another server, or looks like a part of the page."""
    return nh3.clean(
        html,
        tags=set(_TAGS.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute; None takes the attribute out."""
    if name == "src":
        return value if _IMAGE.fullmatch(value) else None
    if name == "href":
        return None if value.strip().lower().startswith("data:") else value
    return value
