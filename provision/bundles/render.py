"""Bundle + parameters + credentials -> paragraphs. Pure: no network, no clock."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provision.bundles.bundle import Bundle
from provision.bundles.conditions import ZEPPELIN, holds
from provision.bundles.connection import Connection
from provision.bundles.literals import Dependencies, Secret
from provision.bundles.parameters import as_text
from provision.bundles.placeholders import fill_places, place_names
from provision.bundles.template import Template
from provision.errors import UsageError
from zeppelin_sdk import ServerVersion

BAHIR = {
    "2.11": "org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1",
    "2.12": "org.apache.bahir:spark-streaming-mqtt_2.12:2.4.0",
}
"""The document's package by Scala version; Bahir published none for 2.13."""

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
    all its rows ("/tmp/avg-*"; empty for nowhere); `secrets` are all that must never be shown.
    """

    bundle: str
    path: str
    paragraphs: tuple[RenderedParagraph, ...]
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


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
    context = context_of(values, connection, zeppelin=zeppelin, scala=scala)
    inline = values["secrets"] == "inline"
    chosen = chosen_templates(bundle, values, zeppelin)
    paragraphs = tuple(_paragraph(template, context, inline) for template in chosen)
    names = set().union(*(place_names(template.text) for template in chosen))
    used = (entry for entry in connection.store if not inline and names & {entry.user[0], entry.password[0]})
    return RenderedNote(
        bundle.name,
        path,
        paragraphs,
        {entry.entity: entry.pair() for entry in used},
        values={name: as_text(value) for name, value in values.items()},
        rows=f"{context['out_prefix']}*" if "out_prefix" in names else "",
        site={**connection.site, "zeppelin": str(zeppelin), "scala": scala, "path": path},
        secrets=connection.secrets(),
    )


def context_of(
    values: Mapping[str, Any], connection: Connection, *, zeppelin: ServerVersion, scala: str
) -> dict[str, Any]:
    """The value of every name that a template may have."""
    return {
        **values,
        **connection.template_values(),
        **_secrets(connection, zeppelin, inline=values["secrets"] == "inline"),
        "clean_session": clean_session(values),
        "journal": "" if clean_session(values) else values["out"],
        "dependencies": dependencies(values, scala),
        "out_prefix": f"{values['out']}/avg-",
        "out_sentence": f": {values['out']}/avg-TIME" if values["variant"] == "csv" else "",
    }


def _secrets(connection: Connection, zeppelin: ServerVersion, *, inline: bool) -> dict[str, Secret]:
    # CredentialInjector's patterns up to 0.8 have the field first
    reference = "{field}.{entity}" if tuple(zeppelin) < (0, 9) else "{entity}.{field}"
    return {
        name: Secret(reference.format(entity=entry.entity, field=field), value, inline)
        for entry in connection.store
        for field, (name, value) in (("user", entry.user), ("password", entry.password))
    }


def default_path(bundle: Bundle, values: Mapping[str, Any]) -> str:
    """The bundle's path for these values, in characters that every Zeppelin keeps as they are in a note's path.

    A topic whose path would not be itself any more gets a few digits of its hash, so that no two topics share a note.
    """
    topic = values["topic"]
    safe = "/".join(level.translate(_UNSAFE).strip(" .") or "_" for level in topic.split("/"))
    if safe != topic:
        safe += f"-{hashlib.sha256(topic.encode()).hexdigest()[:6]}"
    return bundle.path.format(**{**values, "topic": safe})


def dependencies(values: Mapping[str, Any], scala: str) -> Dependencies:
    """What Spark is to be started with: the MQTT client's files or package, the master and the properties given."""
    master = [f"spark.master={values['spark_master']}"] if values.get("spark_master") else []
    return replace(_mqtt(values, scala), properties=(*master, *values.get("spark_properties", ())))


def _mqtt(values: Mapping[str, Any], scala: str) -> Dependencies:
    """The jar files given, else the package given, else the document's package for this Scala version."""
    if values["mqtt_jars"]:
        return Dependencies(jars=tuple(values["mqtt_jars"]))
    if values["connector"] == "jar":
        raise UsageError(
            "connector=jar needs jar files that the server can read",
            next_step="copy the connector's and Paho's jars there and name them with --param mqtt_jars=…",
        )
    package = values["mqtt_package"] or BAHIR.get(scala)
    if not package:
        raise UsageError(
            f"Bahir has no MQTT package for Scala {scala}",
            next_step="take --param connector=jar, or name another with --param mqtt_package=…",
        )
    return Dependencies(packages=(package,))


def clean_session(values: Mapping[str, Any]) -> bool:
    """Whether the broker is to forget the note when it goes; raises `UsageError` for a session that keeps nothing."""
    persistent = values.get("session") == "persistent"
    if persistent and not values.get("qos"):
        raise UsageError(
            "session=persistent keeps nothing at qos 0", next_step="give --param qos=1 too, or leave session out"
        )
    return not persistent


def chosen_templates(bundle: Bundle, values: Mapping[str, Any], zeppelin: ServerVersion) -> list[Template]:
    """The bundle's templates that fit these values and this server, in order."""
    case = {**values, ZEPPELIN: zeppelin}
    return [template for template in bundle.templates if holds(template.when, case)]


def _paragraph(template: Template, context: Mapping[str, Any], inline: bool) -> RenderedParagraph:
    text = fill_places(template.text, template.file, context)
    secrets = any(isinstance(context[name], Secret) for name in place_names(template.text))
    options = "(injectCredentials=true)" if secrets and not inline else ""
    return RenderedParagraph(
        key=template.key,
        title=template.title,
        text=f"%{template.interpreter}{options}\n{text}" if template.interpreter else text,
        config={"title": bool(template.title), **template.config},
        blocks=template.blocks,
        secret=secrets and inline,
        role=template.role,
    )
