"""Bundle + parameters + credentials -> paragraphs. Pure: no network, no clock."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provision.bundles.bundle import PLATFORM_NAME, Bundle
from provision.bundles.conditions import ZEPPELIN, holds
from provision.bundles.connection import Connection
from provision.bundles.context import context_of
from provision.bundles.literals import Secret
from provision.bundles.outputs import PARAMETER as OUTPUTS
from provision.bundles.outputs import check_destinations, chosen, outputs
from provision.bundles.parameters import as_text
from provision.bundles.placeholders import Piece, filled_pieces, filled_settings
from provision.bundles.template import Template
from provision.errors import UsageError
from zeppelin_sdk import ServerVersion

_UNSAFE = str.maketrans(dict.fromkeys("\"'`\\%:*?<>|!{}$\u2028\u2029", "_"))


@dataclass(frozen=True)
class RenderedParagraph:
    """A paragraph as the server is to have it: `text` whole, with the line that names its interpreter."""

    key: str
    title: str
    text: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = False
    secret: bool = False
    """Whether a secret stands in the text itself."""
    role: str = ""
    """What the paragraph is to the tool ("start", "query", …); empty where it is nothing in particular."""


@dataclass(frozen=True)
class RenderedNote:
    """A note as the server is to have it; `credentials` are entity -> (user, password) of its store.

    `values` are the parameters as text, and `site` what else the texts were made of; `rows` is where the stream writes
    all its rows ("/tmp/avg-*"; empty for nowhere); `secrets` are all that must never be shown, and
    `secret_names` what templates call them. `given` are those of the values that a person gave, None where nobody
    can tell; `folder` is that of a bundle that did not come with the tool.
    """

    bundle: str
    path: str
    paragraphs: tuple[RenderedParagraph, ...]
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    secret_names: tuple[str, ...] = ()
    given: Mapping[str, str] | None = None
    folder: str = ""


def render(
    bundle: Bundle,
    values: Mapping[str, Any],
    connection: Connection,
    *,
    zeppelin: ServerVersion,
    scala: str,
    path: str,
) -> RenderedNote:
    """The note at `path` for `values` (from `Bundle.values`), this server and this Scala version ("2.12").

    Raises `UsageError` when no MQTT package exists for that Scala, and for a template that can't take its values.
    """
    check_destinations(bundle.parameters, values, connection)
    context = context_of(values, connection, scala=scala)
    filled = [
        (template, filled_pieces(template.text, template.file, context))
        for template in chosen_templates(bundle, values, zeppelin)
    ]
    names = {piece.name for _, pieces in filled for piece in pieces}
    _check_takes(bundle, names, connection)
    inline = values["secrets"] == "inline"
    used = (entry for entry in connection.store if not inline and names & {entry.user[0], entry.password[0]})
    return RenderedNote(
        bundle.name,
        path,
        tuple(_paragraph(template, pieces, context) for template, pieces in filled),
        {entry.entity: entry.pair() for entry in used},
        values={name: as_text(value) for name, value in values.items() if _counts(bundle, name, values)},
        rows=_rows(context, values, names),
        site={**connection.site, "zeppelin": str(zeppelin), "scala": scala, "path": path},
        secrets=connection.secrets(),
        secret_names=connection.secret_names(),
    )


def _counts(bundle: Bundle, name: str, values: Mapping[str, Any]) -> bool:
    """Whether it is one of this note: `outputs` is where the variant asks for it, an output's where that is chosen."""
    if name == OUTPUTS:
        return bool(chosen(values)) or not values[OUTPUTS]
    output = bundle.parameters[name].output
    return not output or output in chosen(values)


def _rows(context: Mapping[str, Any], values: Mapping[str, Any], names: Collection[str]) -> str:
    """Where the stream writes all its rows: folders of windows, else a table's."""
    if "out_prefix" in names:
        return f"{context['out_prefix']}*"
    kept = [name for name in chosen(values) if outputs()[name].rows]
    return f"{context['rows_folder']}/{kept[0]}" if "rows_folder" in names and kept else ""


def _check_takes(bundle: Bundle, names: Collection[str], connection: Connection) -> None:
    """Raise `UsageError` for a bundle whose note would leave out something of a login."""
    missing = sorted(connection.needed - set(names))
    if missing:
        raise UsageError(
            f"bundle {bundle.name} does not take {' and '.join(map(_in_words, missing))}, which this login has",
            next_step="take --bundle streaming, or with --bundle classic --param connector=jar; "
            "docs/bundles.md has the lines that take it",
        )


_WORDS = {"ca": "an authority of one's own", "username": "a user", "mqtt_topics": "a list of topics"}


def _in_words(name: str) -> str:
    return _WORDS.get(name, f"a {name.replace('_', ' ')}")


def default_path(bundle: Bundle, values: Mapping[str, Any], platform: str) -> str:
    """The bundle's path for these values, in characters that every Zeppelin keeps in a note's path.

    `platform` is what paths call where the events come from. A topic with other characters gets a few digits of its
    hash, so that no two topics share a path.
    """
    topic = values["topic"]
    safe = "/".join(level.translate(_UNSAFE).strip(" .") or "_" for level in topic.split("/"))
    if safe != topic:
        safe += f"-{hashlib.sha256(topic.encode()).hexdigest()[:6]}"
    return bundle.path.format(**{**values, "topic": safe, PLATFORM_NAME: platform})


def chosen_templates(bundle: Bundle, values: Mapping[str, Any], zeppelin: ServerVersion) -> list[Template]:
    """The bundle's templates that fit these values and this server, in order."""
    case = {**values, ZEPPELIN: zeppelin}
    return [template for template in bundle.templates if holds(template.when, case)]


def _paragraph(template: Template, pieces: Sequence[Piece], context: Mapping[str, Any]) -> RenderedParagraph:
    values = [context.get(piece.name) for piece in pieces]
    return RenderedParagraph(
        key=template.key,
        title=template.title,
        text=first_line(template.interpreter_in(context)) + "".join(piece.text for piece in pieces),
        config={"title": bool(template.title), **filled_settings(template.config, context)},
        blocks=template.blocks,
        secret=any(isinstance(value, Secret) and value.inline for value in values),
        role=template.role,
    )


def first_line(interpreter: str) -> str:
    """A paragraph's first line; empty where it names no interpreter."""
    return f"%{interpreter}\n" if interpreter else ""
