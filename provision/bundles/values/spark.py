"""What Spark is started with, as a person gives it: the address of a master, and properties."""

import re

from provision.errors import UsageError

_HOSTS = r"[\w.-]+:\d{1,5}|\[[\da-fA-F:]+\]:\d{1,5}"
_MASTER = re.compile(
    rf"local|local\[(\*|\d{{1,4}})(,\d{{1,4}})?\]|spark://({_HOSTS})(,({_HOSTS}))*|yarn(-client|-cluster)?"
    r"|k8s://(https?://)?[\w.-]+(:\d{1,5})?(/[\w./-]*)?",
    re.ASCII,
)
"""Spark's "Master URLs"; yarn-client and yarn-cluster are Zeppelin's own."""

_NAME = re.compile(r"spark\.[\w.-]*\w", re.ASCII)
_NEXT = re.compile(r",(?=\s*[\w.-]+=)", re.ASCII)  # a comma in a value is followed by no NAME=
# Spark's spark.redaction.regex, and what else is named so
_SECRET = re.compile(r"secret|password|token|access[._-]?key|credential", re.IGNORECASE)
_ELSEWHERE = {
    "spark.master": "give --param spark_master=…",
    "spark.jars": "give --param mqtt_jars=…",
    "spark.jars.packages": "give --param mqtt_package=…",
}


def check_master(text: str) -> str:
    """`text` if it is the address of a master, or empty; raises `UsageError`."""
    if text and not _MASTER.fullmatch(text):
        raise UsageError(
            f"spark_master={text!r} is no address of a Spark master",
            next_step="it is local[N], local[*], spark://HOST:PORT, yarn or k8s://HOST:PORT",
        )
    return text


def check_properties(text: str) -> list[str]:
    """The properties of a list `NAME=VALUE,NAME=VALUE`, each as `NAME=VALUE`; a value may have commas.

    Raises `UsageError` for what is no property of Spark's, for one that another parameter has, for a name twice, and
    for one whose value is a secret: a note can be read.
    """
    properties = [part.strip() for part in _NEXT.split(text) if part.strip()]
    seen = set()
    for each in properties:
        name, separator, value = each.partition("=")
        if not separator or not _NAME.fullmatch(name) or not value.strip():
            raise UsageError(
                f"spark_properties: {each!r} is not spark.NAME=VALUE",
                next_step="write spark.executor.memory=2g,spark.cores.max=4",
            )
        _check(name, value)
        if name in seen:
            raise UsageError(f"spark_properties names {name} twice", next_step="give it once")
        seen.add(name)
    return properties


def _check(name: str, value: str) -> None:
    if name in _ELSEWHERE:
        raise UsageError(f"spark_properties: {name} has a parameter of its own", next_step=_ELSEWHERE[name])
    if _SECRET.search(name):
        raise UsageError(
            f"spark_properties: {name} is a secret, or tells where one is, and a note can be read",
            next_step="set it in Zeppelin's interpreter settings, or in Spark's own configuration",
        )
    # Zeppelin hands the properties to its launcher as one line with bars between them
    if not value.isprintable() or "|" in value:
        raise UsageError(
            f"spark_properties: the value of {name} has a character that Zeppelin can't hand on to Spark",
            next_step="leave out | and control characters",
        )
