"""The values that a template may name: the bundle's parameters, the connection's, and what is made of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from provision.bundles.connection import CONNECTION_NAMES, SECRET_LISTS, Connection
from provision.bundles.event_form import TEMPLATE_NAMES, template_values
from provision.bundles.literals import Dependencies, Secret, SecretLines
from provision.bundles.outputs import drivers, login_secrets
from provision.errors import UsageError

BAHIR = {
    "2.11": "org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1",
    "2.12": "org.apache.bahir:spark-streaming-mqtt_2.12:2.4.0",
}
"""The document's package by Scala version; Bahir published none for 2.13."""

FOLDER_PREFIX = "avg-"
"""What the name of a window's folder of files begins with."""


@dataclass(frozen=True)
class Computed:
    """What is made of the parameters, by the names that templates have for it.

    `journal` is the folder where events wait that are not processed yet, empty for none; `out_prefix` what the path of
    a window's folder begins with; `rows_folder` a folder of the note's own in `out`; `state` one for what outlives its
    interpreter, and `waiting` one for windows that an output has yet to take.
    """

    clean_session: bool
    dependencies: Dependencies
    journal: str
    out_prefix: str
    rows_folder: str
    spark_settings: list[str]
    state: str
    waiting: str


COMPUTED = CONNECTION_NAMES | TEMPLATE_NAMES | {each.name for each in fields(Computed)}
"""The names that a template may use beside its bundle's parameters."""


def context_of(values: Mapping[str, Any], connection: Connection, *, scala: str) -> dict[str, Any]:
    """The value of every name that a template may use. Raises `UsageError` as `dependencies` and
    `template_values`, and for a session that keeps nothing.
    """
    clean = _clean_session(values)
    computed = Computed(
        clean_session=clean,
        dependencies=dependencies(values, scala),
        journal="" if clean else values["out"],
        out_prefix=f"{values['out']}/{FOLDER_PREFIX}",
        rows_folder=f"{values['out']}/windows-{own_name(connection)}",
        spark_settings=_spark_settings(values),
        state=_state(values, connection, clean=clean),
        waiting=_waiting(values, connection),
    )
    secrets = _secrets(connection, inline=values["secrets"] == "inline")
    logins = login_secrets(own_name(connection))
    return {**values, **connection.template_values(), **template_values(values), **logins, **secrets, **vars(computed)}


def _secrets(connection: Connection, *, inline: bool) -> dict[str, Secret]:
    return {
        name: (SecretLines if name in SECRET_LISTS else Secret)(entry.entity, part, value, inline)
        for entry in connection.store
        for part, (name, value) in (("user", entry.user), ("password", entry.password))
        if name
    }


def dependencies(values: Mapping[str, Any], scala: str) -> Dependencies:
    """What Spark is to be started with: the MQTT client's files or package, drivers of outputs that the files lack,
    the master and the properties given.

    None for a bundle that declares no connector.

    `scala` is Spark's Scala version ("2.12"). Raises `UsageError` when no MQTT package exists for it.
    """
    if "connector" not in values:
        return Dependencies()
    mqtt = _mqtt(values, scala)
    names = [path.rpartition("/")[2] for path in mqtt.jars]
    missing = [each for each in drivers(values) if "{1}-{2}.jar".format(*each.split(":")) not in names]
    return replace(mqtt, packages=(*mqtt.packages, *missing), properties=tuple(_spark_settings(values)))


def _spark_settings(values: Mapping[str, Any]) -> list[str]:
    master = [f"spark.master={values['spark_master']}"] if values.get("spark_master") else []
    return [*master, *values.get("spark_properties", ())]


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


def _state(values: Mapping[str, Any], connection: Connection, *, clean: bool) -> str:
    """The note's own folder in `state_folder`; raises `UsageError` where a journal can't be in it."""
    folder = values.get("state_folder") or values["out"]
    if "state_folder" in values and not clean and not folder.startswith("/"):
        raise UsageError(
            f"session=persistent keeps a journal on the driver's disk, and {folder} is elsewhere",
            next_step="give --param state_folder=/DIR",
        )
    return f"{folder}/state-{own_name(connection)}"


def _waiting(values: Mapping[str, Any], connection: Connection) -> str:
    """The note's own folder on the driver's disk, beside the one for its state where that is there."""
    folder = values.get("state_folder") or values["out"]
    return f"{folder if folder.startswith('/') else '/tmp'}/outputs-{own_name(connection)}"  # noqa: S108 - a server's


def own_name(connection: Connection) -> str:
    """What the names of the note's own folders, and entries of its outputs, end with."""
    whose = f"{connection.values.appkey} {connection.values.broker_url} {connection.values.broker_client_id}"
    return hashlib.sha256(whose.encode()).hexdigest()[:8]


def _clean_session(values: Mapping[str, Any]) -> bool:
    """Whether the broker is to forget the note when it goes; raises `UsageError` for a session that keeps nothing."""
    persistent = values.get("session") == "persistent"
    if persistent and not values.get("qos"):
        raise UsageError(
            "session=persistent keeps nothing at qos 0", next_step="give --param qos=1 too, or leave session out"
        )
    return not persistent
