"""Bundle + parameters + credentials -> paragraphs. Pure: no network, no clock."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provision.bundle import Bundle, Condition, Template
from provision.errors import UsageError
from provision.literals import FILTERS, Dependencies, Secret
from zeppelin_sdk import ServerVersion

_PLACE = re.compile(r"\{\{ *(?P<name>\w+) *\| *(?P<filter>\w+) *\}\}")

BAHIR = {
    "2.11": "org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1",
    "2.12": "org.apache.bahir:spark-streaming-mqtt_2.12:2.4.0",
}
"""The document's package by Scala version; Bahir published none for 2.13."""


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


@dataclass(frozen=True)
class RenderedNote:
    """A note as the server is to have it; `credentials` are entity -> (user, password) of its store."""

    bundle: str
    path: str
    paragraphs: tuple[RenderedParagraph, ...]
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)


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

    Raises `UsageError` when no MQTT package exists for that Scala.
    """
    inline = values["secrets"] == "inline"
    thing, session = f"netpie-{login.appkey}", f"netpie-{login.appkey}-mqtt"
    context = {
        **values,
        "broker_url": login.broker_url,
        "mqtt_topic": f"/{values['appid']}/{values['topic']}",
        "appkey": login.appkey,
        "client_id": Secret(f"{thing}.user", login.client_id, inline),
        "hmac_key": Secret(f"{thing}.password", login.hmac_key, inline),
        "username": Secret(f"{session}.user", login.username, inline),
        "password": Secret(f"{session}.password", login.password, inline),
        "dependencies": dependencies(values, scala),
        "out_prefix": f"{values['out']}/avg-",
        "out_sentence": f": {values['out']}/avg-TIME" if values["variant"] == "csv" else "",
    }
    chosen = _chosen(bundle.templates, values, zeppelin)
    paragraphs = tuple(_paragraph(template, context, inline) for template in chosen)
    store = {thing: (login.client_id, login.hmac_key), session: (login.username, login.password)}
    used = {entity: pair for entity, pair in store.items() if any(f"{{{entity}." in p.text for p in paragraphs)}
    return RenderedNote(bundle.name, path or bundle.path.format(**values), paragraphs, used)


def dependencies(values: Mapping[str, Any], scala: str) -> Dependencies:
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


def _chosen(templates: Sequence[Template], values: Mapping[str, Any], zeppelin: ServerVersion) -> list[Template]:
    return [template for template in templates if _holds(template.when, values, zeppelin)]


def _holds(when: Condition, values: Mapping[str, Any], zeppelin: ServerVersion) -> bool:
    for name, wanted in when.items():
        if name == "zeppelin":
            if not _version_holds(wanted, zeppelin):
                return False
        elif values[name] not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def _version_holds(condition: str, version: ServerVersion) -> bool:
    match = re.fullmatch(r"(<|>=)(\d+)\.(\d+)", condition)
    if not match:
        raise UsageError(f"version condition {condition!r} is not <M.N or >=M.N", next_step="mend note.toml")
    below = tuple(version) < (int(match[2]), int(match[3]))
    return below if match[1] == "<" else not below


def _paragraph(template: Template, context: Mapping[str, Any], inline: bool) -> RenderedParagraph:
    secrets = False

    def fill(match: re.Match[str]) -> str:
        nonlocal secrets
        value = context[match["name"]]
        secrets = secrets or isinstance(value, Secret)
        return FILTERS[match["filter"]](value)

    text = _PLACE.sub(fill, template.text)
    options = "(injectCredentials=true)" if secrets and not inline else ""
    return RenderedParagraph(
        key=template.key,
        title=template.title,
        text=f"%{template.interpreter}{options}\n{text}",
        config={**template.config, "title": bool(template.title)},
        blocks=template.blocks,
    )
