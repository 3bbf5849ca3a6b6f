"""A Zeppelin server: version, login, interpreters, credential store, web page and, if asked, Spark."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from provision.checks.finding import Finding, fail, ok, warn
from provision.streams.interpreter import is_isolated
from provision.streams.spark_page import SparkPage
from provision.streams.spark_probe import probe_spark
from zeppelin_sdk import InterpreterError, InterpreterSetting, PermissionDeniedError, ServerVersion, ZeppelinClient

KNOWN = ((0, 8), (0, 13))
INJECT = "injectCredentials"
PAGE_TIMEOUT = 5.0


def check_zeppelin(client: ZeppelinClient, *, deep: bool) -> Iterator[Finding]:
    """The server as this user sees it; `deep` starts its Spark to ask for its versions. Raises `ZeppelinError`."""
    version = client.get_version()
    low, high = KNOWN
    if low <= tuple(version) < high:
        yield ok("zeppelin", f"{client.url}: version {version}")
    else:
        yield warn("zeppelin", f"{client.url}: version {version}", "known to work are 0.8 to 0.12")
    yield ok("login", f"{client.get_ticket().principal}")
    try:
        settings = {setting.name: setting for setting in client.list_interpreter_settings()}
    except PermissionDeniedError as error:
        yield warn("interpreters", error.message, "log in as an administrator to have them checked")
    else:
        yield from _interpreters(settings, version)
    client.list_credentials()
    yield ok("credentials", "the server's credential store answers")
    yield _page(client)
    if deep:
        yield from _spark(client)


def _interpreters(settings: dict[str, InterpreterSetting], version: ServerVersion) -> Iterator[Finding]:
    spark = settings.get("spark")
    if spark is None:
        names = ", ".join(sorted(settings)) or "none"
        yield fail("spark", f"no interpreter setting named spark; there are {names}", "add Spark's on the server")
    else:
        yield _ready(spark)
        yield ok("spark", "a process for each note" if is_isolated(spark) else "one process for all notes: one stream")
        yield _injection(spark, version)
    if "md" not in settings:
        yield warn("markdown", "no interpreter setting named md", "the introduction of a note will not be shown")


def _ready(setting: InterpreterSetting) -> Finding:
    if setting.status == "READY":
        return ok("spark", "its interpreter setting is READY")
    reason = setting.error_reason.strip().partition("\n")[0]
    if setting.status == "ERROR":
        next_step = "check the setting's dependencies and the server's way to their repository"
        return fail("spark", f"its interpreter setting is in ERROR: {reason or 'no reason given'}", next_step)
    return warn("spark", f"its interpreter setting is {setting.status}", "wait until the server has loaded it")


def _injection(setting: InterpreterSetting, version: ServerVersion) -> Finding:
    """From 0.9 a paragraph asks for credentials itself; before, the setting must (Zeppelin's `Paragraph`)."""
    if tuple(version) >= (0, 9):
        return ok("credentials", "a paragraph may ask for them")
    if str(setting.properties.get(INJECT, "")).lower() == "true":
        return ok("credentials", f"Spark's setting has {INJECT}")
    next_step = f"add the property {INJECT} = true to it, or take --param secrets=inline"
    return fail("credentials", f"Spark's setting has no {INJECT}: notes can't read the credential store", next_step)


def _page(client: ZeppelinClient) -> Finding:
    next_step = "edit notes over the API, or use a distribution with a page (see provision up --help)"
    try:
        with requests.Session() as session:
            # a proxy from the environment can't reach this machine's loopback
            session.trust_env = urlsplit(client.url).hostname not in ("127.0.0.1", "localhost", "::1")
            answer = session.get(f"{client.url}/", timeout=PAGE_TIMEOUT)
    except requests.RequestException:
        return warn("web page", f"{client.url} gives none", next_step)
    if answer.ok and "<html" in answer.text.lower() and "directory:" not in answer.text.lower():
        return ok("web page", client.url)
    return warn("web page", f"{client.url} has none", next_step)


def _spark(client: ZeppelinClient) -> Iterator[Finding]:
    try:
        probe = probe_spark(client)
    except InterpreterError as error:
        yield fail("spark", error.message, error.next_step)
        return
    yield ok("spark", f"Spark {probe.spark} with Scala {probe.scala} runs")
    if probe.page and SparkPage(probe.page).answers():
        yield ok("spark page", probe.page)
    else:
        next_step = "figures of streams are shown only where it can be reached (spark.ui.enabled, a way to the driver)"
        yield warn("spark page", f"{probe.page or 'none'}: out of reach from here", next_step)
