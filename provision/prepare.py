"""From the command line's words to a rendered note: bundle, parameters, credentials, the server's versions."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netpie_creds import Credentials, mqtt_login
from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.render import Login, RenderedNote, default_path, dependencies, render
from provision.console import Console
from provision.errors import ConflictError, UsageError
from provision.home import cache_dir
from provision.streams.interpreter import spark_setting
from provision.sync.apply import Applied, Applying, apply_note, put_credentials
from provision.sync.diff import change_line
from provision.sync.plan import Decision, Verdict
from provision.sync.provenance import origin
from provision.sync.undo_records import Records
from zeppelin_sdk import ZeppelinClient

if TYPE_CHECKING:
    from provision.embedded.runtime import Runtime


@dataclass(frozen=True)
class Wanted:
    """What is to be provisioned: a bundle, its parameters as text, and the note's path if it is not the bundle's."""

    bundle: Bundle
    given: Mapping[str, str]
    path: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The parameters' checked values; raises `UsageError`."""
        return self.bundle.values(self.given)


def parse_parameters(bundle: str, pairs: Iterable[str], appid: str, path: str | None = None) -> Wanted:
    """What `--bundle`, `--param NAME=VALUE …` and `--note` ask for, checked; raises `UsageError`."""
    given = {"appid": appid}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise UsageError(f"--param {pair}: no = in it", next_step="write --param NAME=VALUE")
        given[name.strip()] = value
    wanted = Wanted(load_bundle(bundle), given, path)
    _ = wanted.values
    return wanted


def fit_embedded(wanted: Wanted, runtime: "Runtime", console: Console) -> Wanted:
    """`wanted` with the jar files of the embedded stack, unless the person named a package or jar files.

    The connector's jar is compiled when it is asked for; the document's note always is on it here, as no registry
    in use has Bahir's package for this Scala version.
    """
    given = dict(wanted.given)
    if given.get("mqtt_package") or given.get("mqtt_jars"):
        return wanted
    if wanted.bundle.name == "classic":
        given.setdefault("connector", "jar")
    jars = [runtime.paho_jar]
    if given.get("connector") == "jar":
        from provision.bundles.connector_jar import build_connector_jar

        with console.step("compiling the connector's jar"):
            jar = build_connector_jar(runtime.spark_home, runtime.java, runtime.paho_jar, cache_dir() / "jars")
        jars.insert(0, jar)
    given["mqtt_jars"] = ",".join(str(jar) for jar in jars)
    return Wanted(wanted.bundle, given, wanted.path)


def ask_scala(client: ZeppelinClient) -> str:
    """The Scala version of the server's Spark, which that starts; raises `HeldError` where a stream holds it."""
    from provision.streams.spark_probe import probe_spark  # most notes need no version

    return probe_spark(client).scala


def render_for(
    client: ZeppelinClient,
    wanted: Wanted,
    credentials: Credentials,
    *,
    read_only: bool = False,
    ask: Callable[[ZeppelinClient], str] = ask_scala,
) -> RenderedNote:
    """Render what is wanted for this server; asks for its Spark's Scala version only where that decides.

    The version that the note's last apply was told is taken where none can be had, and with `read_only`.
    """
    values = wanted.values
    made_at = _made_at(client, wanted, credentials) if values["secrets"] == "inline" else None
    login = mqtt_login(credentials, made_at or int(time.time()))
    return render(
        wanted.bundle,
        values,
        Login(
            broker_url=f"tcp://{login.host}:{login.port}",
            appkey=credentials.application.appkey,
            client_id=login.client_id,
            username=login.username,
            password=login.password,
            hmac_key=credentials.hmac_key(),
        ),
        zeppelin=client.version(),
        scala=_scala(client, wanted, values, read_only=read_only, ask=ask),
        path=wanted.path,
    )


def _made_at(client: ZeppelinClient, wanted: Wanted, credentials: Credentials) -> int | None:
    """When the login was made that stands in the note's text, in seconds since the epoch; None where none does.

    A login of the same thing is as good as a new one, and an apply that has nothing else to change changes nothing.
    """
    token, appkey = credentials.token.token, credentials.application.appkey
    found = client.find_note(wanted.path or default_path(wanted.bundle, wanted.values))
    texts = [paragraph.text for paragraph in client.get_note(found.id).paragraphs] if found else []
    logins = (re.search(rf"{re.escape(appkey)}%(\d+)", text) for text in texts if token in text)
    return next((int(login[1]) for login in logins if login), None)


def _scala(
    client: ZeppelinClient,
    wanted: Wanted,
    values: Mapping[str, Any],
    *,
    read_only: bool,
    ask: Callable[[ZeppelinClient], str],
) -> str:
    try:
        dependencies(values, "")
        return ""
    except UsageError:
        if values["connector"] == "jar":
            raise
    path = wanted.path or default_path(wanted.bundle, values)
    noted = _noted_scala(client, path) if read_only else ""
    try:
        return noted or ask(client)
    except ConflictError:
        noted = _noted_scala(client, path)  # a stream holds Spark, often the note's own
        if not noted:
            raise
        return noted


def _noted_scala(client: ZeppelinClient, path: str) -> str:
    found = client.find_note(path)
    return origin(client.get_note(found.id)).site.get("scala", "") if found else ""


def write_note(
    client: ZeppelinClient,
    rendered: RenderedNote,
    console: Console,
    decide: str | None = None,
    *,
    how: Applying | None = None,
) -> Applied:
    """Put the note and its secrets on the server, and say what became of each paragraph that is not as it was.

    `how` is all of how to apply; without it conflicts are settled as `decide` says.
    """
    with console.step(f"note {rendered.path}"):
        spark_setting(client)
        applied = apply_note(client, rendered, how or Applying(Decision(decide), Records(client.url)))
        put_credentials(client, rendered)
    told = {Verdict.SAME} if any(change.live for change in applied.plan.changes) else {Verdict.SAME, Verdict.ADD}
    for change in applied.plan.changes:
        if change.verdict not in told:
            console.say(f"  {change_line(change)}")
    return applied
