"""A Zeppelin server: version, login, interpreters, credential store, web page, websocket and, if asked, Spark."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from provision.bundles.bundle import DEFAULT_BUNDLE, OLDER_BUNDLE
from provision.errors import UsageError, exit_status
from provision.finding import Finding, fail, ok, warn
from provision.streams.idle_end import idle_end
from provision.streams.interpreter import is_isolated
from provision.streams.spark_page import SparkPage
from provision.streams.spark_probe import probe_spark, python_with_spark
from zeppelin_sdk import (
    InterpreterError,
    InterpreterSetting,
    LoginError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerUnreachableError,
    UnsupportedError,
    ZeppelinClient,
    ZeppelinError,
)

KNOWN = ((0, 8), (0, 13))
WEBSOCKET_TIMEOUT = 5.0
ORIGINS = "zeppelin.server.allowed.origins"
_NO_NOTE = "provision-doctor"  # the id of a note that no server has: asked for it, each has to answer


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
        yield from _interpreters(client, settings)
    client.list_credentials()
    yield ok("credentials", "the server's credential store answers")
    yield _page(client)
    yield _websocket(client)
    if deep:
        yield from _spark(client)
        yield _python(client)


def _interpreters(client: ZeppelinClient, settings: dict[str, InterpreterSetting]) -> Iterator[Finding]:
    spark = settings.get("spark")
    if spark is None:
        names = ", ".join(sorted(settings)) or "none"
        yield fail("spark", f"no interpreter setting named spark; there are {names}", "add Spark's on the server")
    else:
        yield _ready(spark)
        yield ok("spark", _processes(spark))
        yield _idle(client, spark)
    if "python" in settings:
        yield _ready(settings["python"])
        yield ok("python", _processes(settings["python"]))
    if "md" not in settings:
        yield warn("markdown", "no interpreter setting named md", "the introduction of a note will not be shown")


def _processes(setting: InterpreterSetting) -> str:
    return "a process for each note" if is_isolated(setting) else "one process for all notes: one stream"


def _ready(setting: InterpreterSetting) -> Finding:
    part = setting.name
    if setting.status == "READY":
        return ok(part, "its interpreter setting is READY")
    reason = setting.error_reason.strip().partition("\n")[0]
    if setting.status == "ERROR":
        next_step = "check the setting's dependencies and the server's way to their repository"
        tell = fail if part == "spark" else warn
        return tell(part, f"its interpreter setting is in ERROR: {reason or 'no reason given'}", next_step)
    return warn(part, f"its interpreter setting is {setting.status}", "wait until the server has loaded it")


def _idle(client: ZeppelinClient, setting: InterpreterSetting) -> Finding:
    try:
        end = idle_end(client, setting)
    except (PermissionDeniedError, UnsupportedError) as error:
        told = f"whether the server ends an idle Spark can't be read: {error.message}"
        return warn("idle spark", told, "log in as an administrator to have it checked")
    if end is None:
        return ok("idle spark", "the server does not end it")
    return warn("idle spark", end.told, end.next_step)


def _page(client: ZeppelinClient) -> Finding:
    next_step = "edit notes over the API, or use a distribution with a page (see provision up --help)"
    try:
        there = client.has_web_page()
    except ZeppelinError as error:
        return warn("web page", error.message, next_step)
    return ok("web page", client.url) if there else warn("web page", f"{client.url} has none", next_step)


def _websocket(client: ZeppelinClient) -> Finding:
    """Whether a websocket opens and the server answers on it: pages, `logs -f` and the check of open pages need it."""
    try:
        with client.follow(_NO_NOTE) as follower:
            follower.read(WEBSOCKET_TIMEOUT)
    except ServerUnreachableError as error:
        origins = _origins_that_keep_out(client)
        if origins is None:
            return fail("websocket", error.message, error.next_step, exit_status(error))
        told = f"{client.url}: the server lets no websocket of this address in: its {ORIGINS} is {origins or 'empty'}"
        return fail("websocket", told, f"add {_origin(client)} to it, and restart the server")
    except (LoginError, NotZeppelinError) as error:
        return fail("websocket", error.message, error.next_step, exit_status(error))
    except ZeppelinError:
        return _for_pages(client)
    return warn("websocket", f"it opens, and no answer comes in {WEBSOCKET_TIMEOUT:g} s", "see the server's log")


def _for_pages(client: ZeppelinClient) -> Finding:
    """Whether a page that is opened at the address as given has a websocket too: the client's own goes as localhost."""
    parts = urlsplit(client.url)
    if parts.hostname in ("127.0.0.1", "::1") and _origins_that_keep_out(client) is not None:
        localhost = client.url.replace(parts.netloc, f"localhost:{parts.port}" if parts.port else "localhost", 1)
        told = f"it opens; a page opened as {client.url} has none, as {ORIGINS} does not name that"
        return warn("websocket", told, f"open pages as {localhost}")
    return ok("websocket", "it opens, and the server answers")


def _origins_that_keep_out(client: ZeppelinClient) -> str | None:
    """The server's allowed origins, if this client's is not among them; None where they can't be read, or let it in."""
    with suppress(ZeppelinError):
        origins = client.get_configurations(ORIGINS).get(ORIGINS)
        if origins is not None and "*" not in origins and _origin(client) not in origins.split(","):
            return origins
    return None


def _origin(client: ZeppelinClient) -> str:
    parts = urlsplit(client.url)
    return f"{parts.scheme}://{parts.netloc}"


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


def _python(client: ZeppelinClient) -> Finding:
    try:
        return ok("python", f"%{python_with_spark(client)} has Spark and pyarrow: new notes are {DEFAULT_BUNDLE}")
    except UsageError as error:
        told = f"new notes are {OLDER_BUNDLE}, as {DEFAULT_BUNDLE} does not run: {error.message}"
        return ok("python", told)
