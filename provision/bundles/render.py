"""Bundle + parameters + credentials -> paragraphs. Pure: no network, no clock."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provision.bundles.bundle import Bundle, Condition, Template
from provision.bundles.literals import Dependencies, Secret
from provision.bundles.placeholders import fill_places, place_names
from provision.bundles.values.brokers import broker_values
from provision.bundles.values.topics import split_topics
from provision.errors import UsageError
from zeppelin_sdk import ServerVersion
from zeppelin_sdk.models import note_path

BAHIR = {
    "2.11": "org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1",
    "2.12": "org.apache.bahir:spark-streaming-mqtt_2.12:2.4.0",
}
"""The document's package by Scala version; Bahir published none for 2.13."""

_UNSAFE = str.maketrans(dict.fromkeys("\"'`\\%:*?<>|!{}$\u2028\u2029", "_"))


@dataclass(frozen=True)
class Login:
    """How a note connects: broker URL, NETPIE key, and the four values that it reads from the credential store."""

    broker_url: str
    appkey: str
    client_id: str
    username: str
    password: str = field(repr=False)
    hmac_key: str = field(repr=False)


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

    `values` are the parameters as text, and `site` what else the texts were made of; `secrets` are all that must never
    be shown.
    """

    bundle: str
    path: str
    paragraphs: tuple[RenderedParagraph, ...]
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def render(
    bundle: Bundle,
    values: Mapping[str, Any],
    login: Login,
    *,
    zeppelin: ServerVersion,
    scala: str,
    path: str | None = None,
) -> RenderedNote:
    """The note for these parameter `values` (from `Bundle.values`), server version and Scala version ("2.12").

    Raises `UsageError` when no MQTT package exists for that Scala, and for a template that can't take its values.
    """
    path = path or default_path(bundle, values)
    context = context_of(values, login, zeppelin=zeppelin, scala=scala, path=path)
    inline = values["secrets"] == "inline"
    thing, session = entities(login.appkey, path)
    chosen = chosen_templates(bundle, values, zeppelin)
    paragraphs = tuple(_paragraph(template, context, inline) for template in chosen)
    store = {thing: (("client_id", "hmac_key"), (login.client_id, login.hmac_key))}
    store[session] = (("username", "password"), (login.username, login.password))
    names = set().union(*(place_names(template.text) for template in chosen))
    used = {entity: pair for entity, (fields, pair) in store.items() if not inline and names & set(fields)}
    return RenderedNote(
        bundle.name,
        path,
        paragraphs,
        used,
        values={name: ",".join(value) if isinstance(value, list) else str(value) for name, value in values.items()},
        site={
            "broker": login.broker_url,
            "appkey": login.appkey,
            "zeppelin": str(zeppelin),
            "scala": scala,
            "path": path,
        },
        secrets=(login.client_id, login.username, login.password, login.hmac_key),
    )


def context_of(
    values: Mapping[str, Any], login: Login, *, zeppelin: ServerVersion, scala: str, path: str
) -> dict[str, Any]:
    """The value of every name that a template may have, for the note at `path`."""
    inline = values["secrets"] == "inline"
    thing, session = entities(login.appkey, path)

    def secret(entity: str, field: str, value: str) -> Secret:
        # CredentialInjector's patterns up to 0.8 have the field first
        reference = f"{field}.{entity}" if tuple(zeppelin) < (0, 9) else f"{entity}.{field}"
        return Secret(reference, value, inline)

    return {
        **values,
        **broker_values(values, login.broker_url, path),
        "mqtt_topic": f"/{values['appid']}/{values['topic']}",
        "mqtt_topics": [f"/{values['appid']}/{topic}" for topic in split_topics(values["topic"])],
        "clean_session": clean_session(values),
        "journal": "" if clean_session(values) else values["out"],
        "appkey": login.appkey,
        "client_id": secret(thing, "user", login.client_id),
        "hmac_key": secret(thing, "password", login.hmac_key),
        "username": secret(session, "user", login.username),
        "password": secret(session, "password", login.password),
        "dependencies": dependencies(values, scala),
        "out_prefix": f"{values['out']}/avg-",
        "out_sentence": f": {values['out']}/avg-TIME" if values["variant"] == "csv" else "",
    }


def entities(appkey: str, path: str) -> tuple[str, str]:
    """The two entries of Zeppelin's credential store that the note at `path` reads: its thing's, and its MQTT login's.

    They are the note's own: a thing connects once, so notes of one application have a thing each.
    """
    thing = f"netpie-{appkey}-{hashlib.sha256(note_path(path).encode()).hexdigest()[:8]}"
    return thing, f"{thing}-mqtt"


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
    """The bundle's templates that fit these values and this server, in order; raises `UsageError` for a key twice."""
    chosen = [template for template in bundle.templates if _holds(template.when, values, zeppelin)]
    keys = [template.key for template in chosen]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(
            f"bundle {bundle.name}: two paragraphs with key {twice!r} fit Zeppelin {zeppelin} and these parameters",
            next_step="fix their `when` in note.toml",
        )
    return chosen


def _holds(when: Condition, values: Mapping[str, Any], zeppelin: ServerVersion) -> bool:
    for name, wanted in when.items():
        if name == "zeppelin":
            if not _version_holds(str(wanted), zeppelin):
                return False
        elif values[name] not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _version_holds(condition: str, version: ServerVersion) -> bool:
    match = re.fullmatch(r"(<|>=)(\d+)\.(\d+)", condition)
    if not match:
        raise UsageError(f"version condition {condition!r} is not <M.N or >=M.N", next_step="fix note.toml")
    below = tuple(version) < (int(match[2]), int(match[3]))
    return below if match[1] == "<" else not below


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
    )
