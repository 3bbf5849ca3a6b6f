"""From options to a rendered note: bundle, parameters, credentials, the server's versions."""

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netpie_creds import Credentials
from provision.bundles.bundle import Bundle
from provision.bundles.context import dependencies
from provision.bundles.engine_jar import build_engine_jar, engine_jar_path
from provision.bundles.render import RenderedNote, default_path, render
from provision.console import Console
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.home import cache_dir
from provision.locks import one_at_a_time
from provision.platforms.netpie2015 import Netpie2015, signed_at
from provision.platforms.platform import Platform
from provision.streams.interpreter import spark_setting
from provision.sync.apply import Applied, Applying, apply_note, put_credentials, read_note
from provision.sync.diff import change_line
from provision.sync.note_lock import note_lock
from provision.sync.plan import Verdict
from provision.sync.provenance import origin
from provision.sync.pull import Made
from zeppelin_sdk import Note, ServerVersion, ZeppelinClient, note_path

if TYPE_CHECKING:
    from provision.embedded.runtime import Runtime


@dataclass(frozen=True)
class NoteSpec:
    """A note to provision: its bundle, its parameters (`given` as text, `values` checked), its path."""

    bundle: Bundle
    given: Mapping[str, str]
    values: Mapping[str, Any]
    path: str


def note_spec(bundle: Bundle, pairs: Iterable[str], appid: str, path: str | None = None) -> NoteSpec:
    """What `--param NAME=VALUE …` and `--note` ask of the bundle, checked; raises `UsageError`."""
    given = {"appid": appid}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise UsageError(f"--param {pair}: no = in it", next_step="write --param NAME=VALUE")
        given[name.strip()] = value
    return _spec(bundle, given, path)


def _spec(bundle: Bundle, given: Mapping[str, str], path: str | None) -> NoteSpec:
    values = bundle.values(given)
    return NoteSpec(bundle, given, values, _clean_path(path) if path else default_path(bundle, values))


def _clean_path(path: str) -> str:
    """A note's path as Zeppelin keeps it, without the first slash: one spelling of a path is one note and client id.

    Raises `UsageError` for one that Zeppelin would change.
    """
    parts = [part.strip() for part in path.replace("\\", "/").split("/")]
    clean = "/".join(part for part in parts if part not in ("", "."))
    if not clean or ".." in parts or "?" in clean or not clean.isprintable():
        raise UsageError(
            f"--note {path!r}: Zeppelin keeps no such path", next_step="leave out ? and .., such as Class/ann"
        )
    return clean


def fit_embedded(spec: NoteSpec, runtime: "Runtime", console: Console) -> NoteSpec:
    """`spec` with the embedded stack's parameters and jar files, unless a package or jar files are given.

    The engine's jar is compiled, once, where the note takes it.
    """
    if spec.given.get("mqtt_package") or spec.given.get("mqtt_jars"):
        return spec
    given = {**spec.bundle.embedded, **spec.given}
    jars = [runtime.paho_jar]
    if given.get("connector") == "jar":
        jars.insert(0, engine_jar(runtime, console))
    given["mqtt_jars"] = ",".join(str(jar) for jar in jars)
    return _spec(spec.bundle, given, spec.path)


def engine_jar(runtime: "Runtime", console: Console) -> Path:
    """The engine's jar for the embedded Spark, from the cache or compiled into it; raises `CompileError`."""
    folder = cache_dir() / "jars"
    jar = engine_jar_path(runtime.spark_home, folder)
    if not jar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with console.step("compiling the engine's jar"), one_at_a_time(folder / ".lock"):
            jar = build_engine_jar(runtime.spark_home, runtime.java, runtime.paho_jar, folder)
    return jar


def ask_scala(client: ZeppelinClient) -> str:
    """Start Spark and ask it for its Scala version. Raises `HeldError` while another note's stream holds it."""
    from provision.streams.spark_probe import probe_spark  # most notes need no version

    return probe_spark(client).scala


def render_for(
    client: ZeppelinClient,
    spec: NoteSpec,
    credentials: Credentials,
    *,
    read_only: bool = False,
    ask: Callable[[ZeppelinClient], str] = ask_scala,
) -> RenderedNote:
    """Render the note for this server; asks Spark for its Scala version only where it matters.

    With `read_only`, or while a stream holds Spark, the version noted by the last apply is used.
    """
    values, path = spec.values, spec.path

    @functools.cache
    def live() -> Note | None:
        return read_note(client, path)

    def noted_scala() -> str:
        note = live()
        return origin(note).site.get("scala", "") if note else ""

    note = live() if values["secrets"] == "inline" else None
    made_at = signed_at(credentials, (paragraph.text for paragraph in note.paragraphs)) if note else None
    platform: Platform = Netpie2015.of(credentials, made_at or int(time.time()))
    return render(
        spec.bundle,
        values,
        platform.connection(values, path),
        zeppelin=client.get_version(),
        scala=_scala(client, values, noted_scala, read_only=read_only, ask=ask),
        path=path,
    )


def made_of(note: Note, bundle: Bundle) -> Made:
    """What the note's last apply rendered it from. Raises `ProvisionError` when the note does not say."""
    noted = origin(note)
    site = noted.site
    if not site:
        raise ProvisionError(
            f"{note.path}: it does not say what it was made from",
            next_step="apply it again with the same options, then pull",
        )
    values = bundle.values(noted.values)
    connection = Netpie2015.of_site(site).connection(values, site["path"])
    return Made(values, connection, ServerVersion.parse(site["zeppelin"]), site["scala"], site["path"])


def _scala(
    client: ZeppelinClient,
    values: Mapping[str, Any],
    noted: Callable[[], str],
    *,
    read_only: bool,
    ask: Callable[[ZeppelinClient], str],
) -> str:
    """Spark's Scala version where the dependencies need it; `noted` is the last apply's."""
    try:
        dependencies(values, "")
        return ""
    except UsageError:
        if values["connector"] == "jar":
            raise
    try:
        return (noted() if read_only else "") or ask(client)
    except ConflictError:  # a stream holds Spark, often the note's own
        last = noted()
        if not last:
            raise
        return last


def write_note(client: ZeppelinClient, rendered: RenderedNote, console: Console, how: Applying) -> Applied:
    """Apply the note, store its secrets, and report each paragraph that changed."""
    with console.step(f"note {rendered.path}"):
        spark_setting(client)
        with note_lock(client.url, rendered.path, lambda: console.say("  waiting for another apply of this note")):
            applied = apply_note(client, rendered, how)
        put_credentials(client, rendered)
    if note_path(applied.path) != note_path(rendered.path):
        console.say(
            f"  the note that was made there is now at {applied.path}; it was followed. --note PATH makes another"
        )
    told = {Verdict.SAME} if any(change.live for change in applied.plan.changes) else {Verdict.SAME, Verdict.ADD}
    for change in applied.plan.changes:
        if change.verdict not in told:
            console.say(f"  {change_line(change)}")
    return applied
