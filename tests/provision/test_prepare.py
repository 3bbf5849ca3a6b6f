import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from netpie_creds import AccessToken, Application, Credentials
from provision import prepare
from provision.bundles.bundle import load_bundle
from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.embedded.runtime import Runtime
from provision.errors import ConflictError, UsageError
from provision.platforms import netpie2015
from provision.platforms.netpie2015 import TITLE, ThingClient
from provision.platforms.platform import Client, Place
from provision.prepare import NoteSpec, fit_embedded, note_spec, render_for
from provision.streams.run_paragraph import HeldError
from provision.streams.spark_probe import Probe
from provision.sync.apply import apply_note, note_json
from zeppelin_sdk import Note, Paragraph, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin

from .notes_in_memory import NotesInMemory

RUNTIME = Runtime(Path("/zeppelin"), Path("/spark"), Path("/java"), Path("/jars/paho.jar"))
JARS = "/jars/connector.jar,/jars/paho.jar"


def place(appid: str) -> Place:
    return Place("netpie2015", TITLE, {"appid": appid}, below=True)


def wanted(bundle: str = "streaming", *pairs: str) -> NoteSpec:
    return note_spec(load_bundle(bundle), pairs, place("MyApp"))


def test_words_of_the_command_line_become_checked_values() -> None:
    values = wanted("streaming", "batch=5", "slide=15", "topic=a=b", "mqtt_jars=").values
    assert (values["appid"], values["batch"], values["slide"]) == ("MyApp", 5, 15)
    assert values["topic"] == "a=b"
    assert values["mqtt_jars"] == []


def test_an_empty_value_is_the_bundle_s_default() -> None:
    values = wanted("streaming", "window=30", "topic=", "window=", "mqtt_package=").values
    assert (values["window"], values["topic"]) == (60, "metrics")
    assert values["mqtt_package"] == load_bundle("streaming").parameters["mqtt_package"].default


def test_the_last_of_a_parameter_s_values_counts() -> None:
    assert wanted("classic", "topic=a", "topic=b").values["topic"] == "b"


@pytest.mark.parametrize(
    ("pairs", "cause"),
    [
        (["topic"], "--param topic: no = in it"),
        (["=x"], "no parameter ''"),
        (["colour=red"], "no parameter 'colour'"),
        (["batch=0"], "batch=0 is out of range"),
        (["topic=a,"], "the topic is empty"),
        (["topic=a,/b"], "it starts with /"),
        (["colour="], "no parameter 'colour'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_refused_before_anything_else(pairs: list[str], cause: str) -> None:
    with pytest.raises(UsageError) as caught:
        wanted("streaming", *pairs)
    assert cause in caught.value.message
    assert caught.value.next_step


def test_a_bundle_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no bundle 'stream'"):
        wanted("stream")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the engine's jar was compiled with."""
    calls: list[Any] = []

    def build(*arguments: Any) -> Path:
        calls.append(arguments)
        return Path("/jars/connector.jar")

    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.setattr(prepare, "engine_jar_path", lambda spark_home, folder: Path("/jars/connector.jar"))
    monkeypatch.setattr(prepare, "build_engine_jar", build)
    return calls


def test_on_the_embedded_stack_a_typed_note_has_the_mqtt_client_s_jar(compiled: list[Any]) -> None:
    fitted = fit_embedded(wanted("streaming", "connector=paragraph"), RUNTIME, Console())
    assert fitted.values["mqtt_jars"] == ["/jars/paho.jar"]
    assert not compiled


@pytest.mark.parametrize("asked", [wanted("classic"), wanted(), wanted("streaming", "connector=jar")])
def test_on_the_embedded_stack_a_note_is_on_the_engine_s_jar(asked: NoteSpec, compiled: list[Any]) -> None:
    fitted = fit_embedded(asked, RUNTIME, Console())
    assert fitted.values["connector"] == "jar"
    assert ",".join(fitted.values["mqtt_jars"]) == JARS
    assert compiled[0][:3] == (RUNTIME.spark_home, RUNTIME.java, RUNTIME.paho_jar)


def test_a_jar_in_the_cache_is_taken_as_it_is(
    compiled: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jar = tmp_path / "engine.jar"
    jar.touch()
    monkeypatch.setattr(prepare, "engine_jar_path", lambda spark_home, folder: jar)
    assert fit_embedded(wanted(), RUNTIME, Console()).values["mqtt_jars"] == [str(jar), "/jars/paho.jar"]
    assert not compiled
    assert "compiling" not in capsys.readouterr().err


def test_two_commands_at_once_compile_one_jar(
    compiled: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar = tmp_path / "engine.jar"

    def build(*arguments: Any) -> Path:
        if not jar.exists():
            time.sleep(0.2)
            jar.touch()
            compiled.append(arguments)
        return jar

    monkeypatch.setattr(prepare, "engine_jar_path", lambda spark_home, folder: jar)
    monkeypatch.setattr(prepare, "build_engine_jar", build)
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: fit_embedded(wanted(), RUNTIME, Console()), range(2)))
    assert both[0].values == both[1].values
    assert len(compiled) == 1


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What PySpark is installed for."""
    done: list[str] = []
    monkeypatch.setattr("provision.embedded.python.install_python", lambda console: done.append("pyspark"))
    monkeypatch.setattr("provision.embedded.python.install_pyarrow", lambda console: done.append("pyarrow"))
    return done


def in_python(*pairs: str) -> NoteSpec:
    spec = wanted("streaming", *pairs)
    start = replace(spec.bundle.templates[-1], key="python", interpreter="python.sql", role="")
    return replace(spec, bundle=replace(spec.bundle, templates=(*spec.bundle.templates, start)))


@pytest.mark.parametrize("pairs", [[], ["mqtt_jars=/mine.jar"]])
def test_the_first_note_with_a_python_paragraph_has_pyspark_installed(
    compiled: list[Any], installs: list[str], tmp_path: Path, pairs: list[str]
) -> None:
    runtime = replace(RUNTIME, zeppelin_home=tmp_path / "zeppelin")
    launcher = runtime.zeppelin_home / "interpreter" / "python" / "bin" / "python"
    launcher.parent.mkdir(parents=True)
    launcher.touch()
    fit_embedded(wanted("streaming", *pairs), runtime, Console())
    fit_embedded(in_python(*pairs), runtime, Console(), make=False)
    assert installs == []
    fit_embedded(in_python(*pairs), runtime, Console())
    assert installs == ["pyspark"]


def test_a_distribution_with_a_python_of_its_own_has_none_installed(compiled: list[Any], installs: list[str]) -> None:
    fit_embedded(in_python(), RUNTIME, Console())
    assert installs == []


def test_a_distribution_whose_spark_has_its_python_gets_what_that_lacks(
    compiled: list[Any], installs: list[str], tmp_path: Path
) -> None:
    (tmp_path / "python" / "pyspark").mkdir(parents=True)
    runtime = replace(RUNTIME, spark_home=tmp_path)
    fit_embedded(in_python(), runtime, Console(), make=False)
    assert installs == []
    fit_embedded(in_python(), runtime, Console())
    assert installs == ["pyarrow"]


def test_the_embedded_stack_s_python_is_known_and_a_distribution_s_is_asked_for(
    installs: list[str], tmp_path: Path
) -> None:
    runtime = replace(RUNTIME, zeppelin_home=tmp_path)
    assert fit_embedded(wanted("structured"), runtime, Console()).values["python"] == "ask"
    launcher = tmp_path / "interpreter" / "python" / "bin" / "python"
    launcher.parent.mkdir(parents=True)
    launcher.touch()
    assert fit_embedded(wanted("structured"), runtime, Console()).values["python"] == "python"
    assert fit_embedded(wanted("structured", "python=spark.pyspark"), runtime, Console()).values["python"] != "python"


def test_a_server_is_asked_for_its_python_once(probes: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def python(client: object) -> str:
        asked.append(client)
        return "spark.pyspark"

    monkeypatch.setattr("provision.streams.spark_probe.python_with_spark", python)
    server, credentials = NotesInMemory(), thing()
    client, spec = cast(ZeppelinClient, server), wanted("structured")
    looked_at = render_for(client, spec, credentials, read_only=True)
    assert (asked, looked_at.paragraphs[1].text.partition("\n")[0]) == ([], "%python")
    applied = render_for(client, spec, credentials)
    assert {each.text.partition("\n")[0] for each in applied.paragraphs[2:]} == {"%spark.pyspark"}
    assert applied.paragraphs[1].text.startswith("%spark.conf\n")
    server.import_note(note_json(applied), applied.path)
    assert render_for(client, spec, credentials).paragraphs == applied.paragraphs
    assert render_for(client, spec, credentials, read_only=True).paragraphs == applied.paragraphs
    assert len(asked) == 1


@pytest.mark.parametrize("pair", ["mqtt_package=g:a:1", "mqtt_jars=/mine.jar"])
@pytest.mark.parametrize("bundle", ["classic", "streaming"])
def test_a_package_or_jars_that_a_person_names_are_taken_as_they_are(
    bundle: str, pair: str, compiled: list[Any]
) -> None:
    asked = wanted(bundle, pair)
    assert fit_embedded(asked, RUNTIME, Console()) == asked
    assert not compiled


class FakeApplication:
    appkey = "AppKey123"


class FakeCredentials:
    application = FakeApplication()

    def hmac_key(self) -> str:
        return "TokenSecret&AppSecret"


@dataclass
class FakeLogin:
    host: str = "broker.example"
    port: int = 1883
    client_id: str = "Token"
    username: str = "AppKey123%1"
    password: str = "Password="


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The servers whose Spark was asked for its version, which is 2.12."""
    asked: list[object] = []

    def probe(client: object) -> Probe:
        asked.append(client)
        return Probe("3.1.3", "2.12", "")

    monkeypatch.setattr("provision.streams.spark_probe.probe_spark", probe)
    monkeypatch.setattr("provision.platforms.netpie2015.mqtt_login", lambda credentials, now: FakeLogin())
    return asked


def thing() -> Client:
    return ThingClient(cast(Credentials, FakeCredentials()), Path())


def render(asked: NoteSpec, generation: str = "0.10") -> str:
    client = FakeZeppelin(generation).client()
    note = render_for(client, asked, thing())
    return next(paragraph.text for paragraph in note.paragraphs if paragraph.key == "dependencies")


def test_spark_is_asked_for_its_scala_where_that_decides(probes: list[object]) -> None:
    assert "spark-streaming-mqtt_2.12:2.4.0" in render(wanted("classic"))
    assert len(probes) == 1


@pytest.mark.parametrize(
    "asked", [wanted(), wanted("classic", "mqtt_package=g:a:1"), wanted("classic", "connector=jar", "mqtt_jars=/a.jar")]
)
def test_spark_is_left_alone_where_its_scala_decides_nothing(asked: NoteSpec, probes: list[object]) -> None:
    render(asked)
    assert not probes


def test_a_jar_connector_without_jars_is_refused_without_asking_spark(probes: list[object]) -> None:
    with pytest.raises(UsageError, match="jar files"):
        render(wanted("classic", "connector=jar"))
    assert not probes


def test_the_server_s_version_chooses_the_dependency_paragraph(probes: list[object]) -> None:
    assert render(wanted("classic"), "0.8").startswith("%spark.dep\nz.load(")
    assert render(wanted("classic"), "0.12").startswith("%spark.conf\n")


def test_a_path_of_a_person_s_own_is_the_note_s(probes: list[object]) -> None:
    asked = note_spec(load_bundle("streaming"), [], place("MyApp"), "my folder/my note")
    note = render_for(FakeZeppelin().client(), asked, thing())
    assert note.path == "my folder/my note"


def test_what_only_reads_takes_the_scala_that_the_last_apply_was_told(probes: list[object]) -> None:
    server = NotesInMemory()
    client, asked = cast(ZeppelinClient, server), wanted("classic")
    credentials = thing()
    applied = render_for(client, asked, credentials)
    assert len(probes) == 1
    server.import_note(note_json(applied), applied.path)
    assert render_for(client, asked, credentials, read_only=True).paragraphs == applied.paragraphs
    assert len(probes) == 1


def test_while_a_stream_holds_spark_the_note_s_last_scala_is_taken_and_one_that_has_none_is_a_conflict(
    probes: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = NotesInMemory()
    client, asked = cast(ZeppelinClient, server), wanted("classic")
    credentials = thing()
    applied = render_for(client, asked, credentials)

    def held(_client: object) -> Probe:
        raise HeldError(Note("n", "/other"), Paragraph("p"))

    monkeypatch.setattr("provision.streams.spark_probe.probe_spark", held)
    with pytest.raises(ConflictError, match="/other streams"):
        render_for(client, asked, credentials)
    server.import_note(note_json(applied), applied.path)
    assert render_for(client, asked, credentials).paragraphs == applied.paragraphs


def test_a_note_with_its_secrets_inline_keeps_its_login_until_its_thing_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, asked = NotesInMemory(), wanted("classic", "mqtt_package=g:a:1", "secrets=inline")
    application = Application("MyApp", "AppKey123", "AppSecret123")
    client = cast(ZeppelinClient, server)

    def rendered(token: str, now: int) -> RenderedNote:
        monkeypatch.setattr(netpie2015, "time", SimpleNamespace(time=lambda: now))
        access = AccessToken(token, "TokenSecret", "pie://broker:1883", "code")
        return render_for(client, asked, ThingClient(Credentials(application, access), Path()))

    first = rendered("Token1", 1_700_000_000)
    apply_note(client, first)
    assert rendered("Token1", 1_700_000_500).paragraphs == first.paragraphs
    other = rendered("Token2", 1_700_000_500)
    assert any("AppKey123%1700000500" in paragraph.text for paragraph in other.paragraphs)


@pytest.mark.parametrize("path", ["Class/ann", "/Class/ann", "./Class/ann", "Class//ann", "Class\\ann", "Class/./ann/"])
def test_every_spelling_of_a_path_is_one_note(path: str) -> None:
    assert note_spec(load_bundle("streaming"), ["topic=t"], place("App"), path).path == "Class/ann"


@pytest.mark.parametrize(
    "path", ["a?b", "../a", "a/../b", "a..b", "/", "a\nb", "~Trash/a", "/~Trash", 80 * "ก", "x" * 255]
)
def test_a_path_that_zeppelin_would_change_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="Zeppelin keeps no such path|too long|trash"):
        note_spec(load_bundle("streaming"), ["topic=t"], place("App"), path)


def test_who_can_read_secrets_that_stand_in_a_note_is_told_before_it_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for secrets, told in (("store", False), ("inline", True)):
        prepare.tell_of_inline(Console(), [wanted().values, wanted("streaming", f"secrets={secrets}").values])
        assert ("warning: secrets=inline: who can read the note" in capsys.readouterr().err) is told


def test_an_output_s_login_goes_from_the_environment_into_the_store_and_is_asked_for_once(
    probes: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wanted("structured", "python=python", "outputs=csv,postgresql", "postgresql_url=postgresql://host/database")
    client = FakeZeppelin("0.10").client()
    with pytest.raises(UsageError, match="output postgresql needs a login") as refused:
        render_for(client, asked, thing())
    assert "PROVISION_POSTGRESQL_PASSWORD" in str(refused.value.next_step)
    assert render_for(client, asked, thing(), read_only=True)
    monkeypatch.setenv("PROVISION_POSTGRESQL_USER", "writer")
    monkeypatch.setenv("PROVISION_POSTGRESQL_PASSWORD", "TheOutput'sSecret")
    note = render_for(client, asked, thing())
    (entity,) = (each for each in note.credentials if each.startswith("netpie-output-postgresql-"))
    assert note.credentials[entity] == ("writer", "TheOutput'sSecret")
    assert "TheOutput'sSecret" in note.secrets
    assert not [paragraph for paragraph in note.paragraphs if "TheOutput'sSecret" in paragraph.text]
    client.set_credential(entity, *note.credentials[entity])
    monkeypatch.delenv("PROVISION_POSTGRESQL_PASSWORD")
    assert entity not in render_for(client, asked, thing()).credentials
