"""What Spark is started with, as a person gives it: the address of a master, and properties."""

import re
from urllib.parse import unquote

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
# Spark's spark.redaction.regex, and what else is named so by Hadoop, Hive, JDBC drivers, clouds and people
_WORDS = (
    r"secret|passw|passphrase|passcode|passkey|pwd(?!\.dir)|pw(?![a-z])|token(?!iz)|credential|authorization|cookie|"
    r"access[._-]?key|"
    r"(account|api|app|client|consumer|encryption|license|master|private|sas|shared|signing|storage)[._-]?key(?![a-z])|"
    r"(?<![a-z])(pass|sas|sig)(?![a-z])|(?-i:[a-z]Pass)(?![a-z])|redis[._]auth(?![a-z])|"
    # a key, where the name ends with it, but for those of tables and messages
    r"(?<!group.)(?<!join.)(?<!message.)(?<!partition.)(?<!primary.)(?<!public.)(?<!record.)(?<!row.)(?<!sort.)"
    r"(?<![a-z])key(?=[\"'\\]*\s*(?:[=:]|$))"
)
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_SECRET_VALUES = (
    re.compile(rf"[\w.-]*(?:{_WORDS})[\w.-]*[\"'\\]*\s*[=:]\s*\S", re.IGNORECASE),  # -Dpw=…, ;AccountKey=…, ?sig=…
    re.compile(rf"(?<!\S)--?(?:[\w-]*(?:{_WORDS})[\w-]*)\s+\S", re.IGNORECASE),  # --password …
    re.compile(r"[?&][\w.-]*(?:signature|key)=\S|auth[a-z]*=[^\s:/]+:\S", re.IGNORECASE),
    re.compile(r"//[^\s/@]*:[^\s/@]*@|https?://[^\s/@]+@|(?<![\w/:])[\w.+%-]+:[^\s'\"/:@]+@[\w\[]"),  # a URL's login
    re.compile(r"\b(?:bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
    # AWS's key ids, PEM, JWT, and what GitHub, GitLab, Slack, Stripe and Google give out
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN|\beyJ[\w-]{8,}\.eyJ"),
    re.compile(r"\b(?:gh[opsu]_\w{20}|github_pat_|glpat-|xox[abeoprs]-|[rs]k_(?:live|test)_|AIza[\w-]{30})"),
)
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
    for number, each in enumerate(properties, start=1):
        name, separator, value = each.partition("=")
        if not separator or not _NAME.fullmatch(name) or not value.strip():
            shown = ascii(name) if separator else f"entry {number}"  # without a name it may be a part of a secret
            raise UsageError(
                f"spark_properties: {shown} is not spark.NAME=VALUE",
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
    if holds_secret(name, value):
        raise UsageError(
            f"spark_properties: {name} is a secret, has one in it, or tells where one is, and a note can be read",
            next_step="set it in Zeppelin's interpreter settings, or in Spark's own configuration",
        )
    # Zeppelin hands the properties to its launcher as one line with bars between them
    if not value.isprintable() or "|" in value:
        raise UsageError(
            f"spark_properties: the value of {name} has a character that Zeppelin can't hand on to Spark",
            next_step="leave out | and control characters",
        )


def holds_secret(name: str, value: str) -> bool:
    """Whether a property is named as secrets are, or has what looks like one in its value."""
    if value.strip().lower() in ("true", "false"):
        return False
    readings = {value, unquote(value)}
    return bool(_SECRET.search(name)) or any(
        pattern.search(reading) for pattern in _SECRET_VALUES for reading in readings
    )
