"""From options to a rendered note: bundle, parameters, credentials, the server's versions."""

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.bundles.bundle import Bundle
from provision.bundles.connection import Connection
from provision.bundles.context import dependencies, own_name
from provision.bundles.engine_jar import build_engine_jar, engine_jar_path
from provision.bundles.outputs import chosen, drivers, entity_of, outputs
from provision.bundles.render import RenderedNote, default_path, render
from provision.bundles.roles import Role
from provision.bundles.template import ASK, PYTHON
from provision.bundles.values.topics import check_below, split_topics
from provision.console import Console
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.home import cache_dir
from provision.locks import one_at_a_time
from provision.platforms import named_platform, platform_of_site
from provision.platforms.platform import Client, Place, Seen
from provision.streams.interpreter import SPARK, group_named, group_of_text, setting_of
from provision.sync.apply import Applied, Applying, apply_note, put_credentials, read_note
from provision.sync.diff import change_line
from provision.sync.note_lock import OTHER_WRITER
from provision.sync.plan import Verdict
from provision.sync.provenance import Origin, origin
from provision.sync.pull import Made
from provision.sync.remembered import remembered, values_of
from zeppelin_sdk import Note, ServerVersion, ZeppelinClient, note_path

if TYPE_CHECKING:
    from provision.embedded.runtime import Runtime


NAME_BYTES = 230  # of a file's name, which Zeppelin makes of a note's with 15 more
APPID = "appid"  # the parameter that every bundle has: what the topics belong to
USUAL_SCALA = "2.12"  # Spark's from 2.4 to 3.5, where nobody can ask which it is


ANYWHERE = Place("", "", {APPID: "appid"})
"""The place of what is checked without a look at where its topics are."""


@dataclass(frozen=True)
class NoteSpec:
    """A note to provision: its bundle, its parameters (`given` as text, `values` checked), its path, where its
    topics are.

    `noted` is what its last apply noted, where there is one.
    """

    bundle: Bundle
    given: Mapping[str, str]
    values: Mapping[str, Any]
    path: str
    place: Place
    noted: Origin = Origin()


def parameters(pairs: Iterable[str]) -> dict[str, str]:
    """`--param NAME=VALUE …` by name; an empty value is for the bundle's default. Raises `UsageError`."""
    given = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise UsageError(f"--param {pair}: no = in it", next_step="write --param NAME=VALUE")
        given[name.strip()] = value
    return given


def note_spec(
    bundle: Bundle,
    pairs: Iterable[str],
    place: Place,
    path: str | None = None,
    noted: Origin | None = None,
    *,
    embedded: bool = False,
) -> NoteSpec:
    """What `--param NAME=VALUE …` and `--note` ask of the bundle, over what the last apply has `noted`, checked.

    Raises `UsageError`.
    """
    asked = parameters(pairs)
    own = {"mqtt_jars", *bundle.embedded} if embedded else set()
    kept = remembered(noted, bundle, own) if noted else {}
    given = {name: value for name, value in asked.items() if value or name not in bundle.parameters}
    given, of_place = _with_place(bundle, given, place)
    kept = {name: value for name, value in kept.items() if name not in {*asked, *of_place}}
    values = values_of(bundle, {**of_place, **given}, kept)
    _check_topics(values, place)
    where = clean_path(path if path else default_path(bundle, values, place.title))
    return NoteSpec(bundle, {**of_place, **kept, **given}, values, where, place, noted or Origin())


def _with_place(bundle: Bundle, given: dict[str, str], place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """What is given without what follows from the place, and that; raises `UsageError` where they differ."""
    of_place = {name: value for name, value in place.parameters.items() if name in bundle.parameters}
    for name in sorted(given.keys() & of_place.keys() - {APPID}):
        if bundle.parameters[name].value(given[name]) != bundle.parameters[name].value(of_place[name]):
            raise UsageError(
                f"{name}={given[name]}: on platform {place.platform} it follows from the credentials",
                next_step=f"leave --param {name}= out",
            )
    return {name: value for name, value in given.items() if name == APPID or name not in of_place}, of_place


def asked_spec(bundle: Bundle, pairs: Iterable[str], place: Place, path: str | None) -> NoteSpec:
    """What is asked of a note that nobody has looked at yet: each parameter by itself. Raises `UsageError`."""
    asked = parameters(pairs)
    given = {name: value for name, value in asked.items() if value or name not in bundle.parameters}
    given, of_place = _with_place(bundle, given, place)
    given = {**of_place, **given}
    values = bundle.each_value(given)
    _check_topics(values, place)
    return NoteSpec(bundle, given, values, clean_path(path or default_path(bundle, values, place.title)), place)


def check_each_value(bundle: Bundle, pairs: Iterable[str]) -> None:
    """Raise `UsageError` for a parameter that the bundle does not have, or a value that it can't have by itself."""
    given = {name: value for name, value in parameters(pairs).items() if value or name not in bundle.parameters}
    bundle.each_value({APPID: "appid", **given})


def bundle_path(bundle: Bundle, pairs: Iterable[str], place: Place) -> str:
    """The path of the note that these parameters name by themselves; raises `UsageError`.

    Those that the bundle does not have are left out: the note's own bundle may have them.
    """
    given = {name: value for name, value in parameters(pairs).items() if value and name in bundle.parameters}
    given, of_place = _with_place(bundle, given, place)
    values = bundle.each_value({**of_place, **given})
    _check_topics(values, place)
    return clean_path(default_path(bundle, values, place.title))


def _check_topics(values: Mapping[str, Any], place: Place) -> None:
    for topic in split_topics(values["topic"]) if place.below else ():
        check_below(topic)


def clean_path(path: str) -> str:
    """A note's path as Zeppelin keeps it, without the first slash: one spelling of a path is one note and client id.

    Raises `UsageError` for one that Zeppelin would change or refuse (`NotebookService.normalizeNotePath`).
    """
    parts = [part.strip() for part in path.replace("\\", "/").split("/")]
    clean = "/".join(part for part in parts if part not in ("", "."))
    if not clean or ".." in clean or "?" in clean or not clean.isprintable():
        raise UsageError(
            f"--note {path!r}: Zeppelin keeps no such path", next_step="leave out ? and .., such as Class/ann"
        )
    if clean.startswith("~Trash"):
        raise UsageError(f"--note {path!r}: that is Zeppelin's trash", next_step="give another path, such as Class/ann")
    if max(len(part.encode()) for part in clean.split("/")) > NAME_BYTES:
        raise UsageError(
            f"--note {path!r}: a name in it is too long", next_step=f"take at most {NAME_BYTES} bytes between slashes"
        )
    return clean


def fit_embedded(spec: NoteSpec, runtime: "Runtime", console: Console, *, make: bool = True) -> NoteSpec:
    """`spec` with the embedded stack's parameters and jar files, unless a package or jar files are given.

    With `make`, what the note needs is made ready, once: the engine's jar is compiled, PySpark is installed.
    """
    own = spec.bundle.embedded
    if spec.bundle.runs_python:
        from provision.embedded.python import ready_python, takes_python  # not needed for a named server

        if not takes_python(runtime.zeppelin_home):  # a distribution, which is asked
            own = {name: value for name, value in own.items() if name != "python"}
        if make:
            ready_python(runtime.zeppelin_home, runtime.spark_home, console)
    if spec.given.get("mqtt_package") or spec.given.get("mqtt_jars"):
        return spec
    given = {**own, **spec.given}
    if "connector" not in spec.bundle.parameters:
        return replace(spec, values=spec.bundle.values(given))
    jars = [runtime.paho_jar]
    if given.get("connector") == "jar":
        jars.insert(0, engine_jar(runtime, console) if make else engine_jar_path(runtime.spark_home, jars_dir()))
    from provision.embedded.install import driver, install_dir, install_jar

    for part in filter(None, map(driver, drivers(spec.values))):
        jar = install_dir(part) / part.jars[0].file_name
        jars.append(install_jar(part, runtime.spark_home, console) if make else jar)
    given["mqtt_jars"] = ",".join(str(jar) for jar in jars)
    return replace(spec, values=spec.bundle.values(given))


def check_spec(spec: NoteSpec) -> None:
    """Raise `UsageError` for parameters that do not fit each other or a template, by a render that nobody gets."""
    nobody = named_platform(spec.place.platform).of_site(spec.place.site)
    connection = nobody.connection(spec.values, spec.path)
    render(spec.bundle, spec.values, connection, zeppelin=ServerVersion(0, 10), scala=USUAL_SCALA, path=spec.path)


def jars_dir() -> Path:
    """Where jars that were compiled here are kept."""
    return cache_dir() / "jars"


def engine_jar(runtime: "Runtime", console: Console) -> Path:
    """The engine's jar for the embedded Spark, from the cache or compiled into it; raises `CompileError`."""
    folder = jars_dir()
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
    client_of: Client,
    *,
    read_only: bool = False,
    ask: Callable[[ZeppelinClient], str] = ask_scala,
) -> RenderedNote:
    """Render the note for this server; asks Spark for its Scala version only where it matters.

    While a stream holds Spark the version noted by the last apply is used. With `read_only` Spark is not asked: that
    version is used, or the usual one where none is noted.
    """
    values, path, ids = spec.values, spec.path, _ids(spec)

    @functools.cache
    def live() -> Note | None:
        return read_note(client, path)

    def noted_scala() -> str:
        note = live()
        return origin(note).site.get("scala", "") if note else ""

    if values.get("python") == ASK:
        values = {**values, "python": _python(client, live(), read_only=read_only)}
    note = live() if values["secrets"] == "inline" else None
    texts = [paragraph.text for paragraph in note.paragraphs] if note else []
    stored = client.list_credentials() if values["secrets"] == "store" and spec.noted.site else []
    connection = client_of.connection(values, ids, Seen(texts, stored))
    rendered = render(
        spec.bundle,
        values,
        connection,
        zeppelin=client.get_version(),
        scala=_scala(client, values, noted_scala, read_only=read_only, ask=ask),
        path=path,
    )
    rendered = _with_logins(client, rendered, values, connection, read_only=read_only)
    site = {**rendered.site, **({"ids": ids} if ids != path else {})}
    given = {name: value for name, value in spec.given.items() if name != APPID and name not in spec.place.parameters}
    return replace(rendered, site=site, given=given, folder=spec.bundle.own_folder)


def _with_logins(
    client: ZeppelinClient,
    rendered: RenderedNote,
    values: Mapping[str, Any],
    connection: Connection,
    *,
    read_only: bool,
) -> RenderedNote:
    """The note with the logins of its outputs that the environment has, which are put into the credential store.

    Raises `UsageError` for one that is neither there nor in the store already.
    """
    given: dict[str, tuple[str, str]] = {}
    stored = functools.cache(lambda: {each.entity for each in client.list_credentials()})
    for name in chosen(values):
        entity = entity_of(name, own_name(connection))
        if not any(entity in paragraph.text for paragraph in rendered.paragraphs):
            continue
        user, password = (os.environ.get(each, "") for each in outputs()[name].login)
        if password:
            given[entity] = (user, password)
        elif not read_only and entity not in stored():
            raise UsageError(
                f"output {name} needs a login, which Zeppelin's credential store does not have",
                next_step=f"set {' and '.join(outputs()[name].login)} for this apply",
            )
    secrets = tuple(each for pair in given.values() for each in pair if each)
    return replace(rendered, credentials={**rendered.credentials, **given}, secrets=(*rendered.secrets, *secrets))


def _python(client: ZeppelinClient, note: Note | None, *, read_only: bool) -> str:
    """The interpreter that the last apply noted, else the one that the server has; with `read_only` the usual one."""
    last = origin(note).values.get("python", "") if note else ""
    if last and last != ASK:
        return last
    if read_only:
        return PYTHON
    from provision.streams.spark_probe import python_with_spark  # most notes are in Scala

    return python_with_spark(client)


def group_of_spec(spec: NoteSpec) -> str:
    """The interpreter group in which the stream of such a note is."""
    runs = next((t.interpreter_in(spec.values) for t in spec.bundle.templates if t.role == Role.START), "")
    return group_named(runs) or SPARK


def _ids(spec: NoteSpec) -> str:
    """The path that client id and store entries are named after.

    It is spelled as at the first apply: older versions took each spelling as it was given, and the broker's session and
    the journal go by the client id.
    """
    old = spec.noted.site.get("ids") or spec.noted.site.get("path", "")
    try:
        return old if old and clean_path(old) == spec.path else spec.path
    except UsageError:
        return spec.path


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
    connection = platform_of_site(site).of_site(site).connection(values, site.get("ids", site["path"]))
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
    if read_only:
        return noted() or USUAL_SCALA
    try:
        return ask(client)
    except ConflictError:  # a stream holds Spark, often the note's own
        last = noted()
        if not last:
            raise
        return last


def tell_of_inline(console: Console, values: Iterable[Mapping[str, Any]]) -> None:
    """Say who can read secrets that stand in notes, if one of the notes with these `values` has them inline."""
    if any(each.get("secrets") == "inline" for each in values):
        console.say(
            "warning: secrets=inline: who can read the note, its revisions and exports, or the server's notebook "
            "folder has the secrets; a server that logs at DEBUG writes them to its log",
            style="yellow",
        )


def group_of_rendered(rendered: RenderedNote) -> str:
    """The interpreter group in which the note's stream is."""
    start = next((each for each in rendered.paragraphs if each.role == Role.START), None)
    return (group_of_text(start.text) if start else "") or SPARK


def write_note(client: ZeppelinClient, rendered: RenderedNote, console: Console, how: Applying) -> Applied:
    """Apply the note, store its secrets, and report each paragraph that changed."""
    tell_of_inline(console, [rendered.values])
    with console.step(f"note {rendered.path}"):
        setting_of(client, group_of_rendered(rendered))
        applied = apply_note(client, rendered, replace(how, waiting=lambda: console.say(OTHER_WRITER)))
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
