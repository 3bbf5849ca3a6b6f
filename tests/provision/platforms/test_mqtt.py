"""Platform `mqtt`: how a login is found and kept, and what a note at any broker has of it."""

import json
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark_mqtt._options import read_source

from provision.bundles.bundle import load_bundle
from provision.bundles.render import RenderedNote, render
from provision.cli import run
from provision.errors import UnreachableError, UsageError
from provision.mqtt import pem
from provision.mqtt.login import Login, Tls, plain_warning
from provision.mqtt.pem import client_context, read_tls
from provision.platforms import chosen_platform
from provision.platforms.mqtt import PLATFORM, BrokerAccount, BrokerClient
from provision.platforms.platform import Given, Place, Seeking
from provision.prepare import check_spec, note_spec
from sdk_support.certificates import make_certificates
from zeppelin_sdk import ServerVersion
from zeppelin_sdk.testing import FakeZeppelin

from ..rendering import code

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nKK==\n-----END PRIVATE KEY-----\n"
PASSWORD = 'pass"word{x}$1'
BARE = Login("ssl://broker.example:8883", "", "ann", PASSWORD, Tls(PEM, PEM.replace("AA", "BB"), KEY))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return tmp_path


def account(env: Mapping[str, str] | None = None, file: Path | None = None, **values: str) -> BrokerAccount:
    return PLATFORM.account(Given(values, credentials_file=file, env=env or {}), Seeking())


# --- how it is found and kept ---


def test_a_credentials_file_has_the_login_and_names_files_beside_it(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    file = tmp_path / "broker.env"
    file.write_text("broker=mqtts://h:8883\nusername=ann\npassword=pencil\nca=ca.pem\n")
    found = account(file=file).bare
    assert (found.url, found.username, found.password) == ("ssl://h:8883", "ann", "pencil")
    assert found.tls == Tls(certificates.ca.read_text())
    assert "pencil" not in repr(found)


@pytest.mark.parametrize("written", [b"pencil\n", b"pencil\r\n", b"\xef\xbb\xbfpencil", "pencil\r\n".encode("utf-16")])
def test_a_password_s_file_is_read_as_any_editor_saves_it(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "password").write_bytes(written)
    given = Given({"broker": "h:1883", "username": "ann"}, secret_file=tmp_path / "password", env={})
    assert PLATFORM.account(given).bare.password == "pencil"


def test_a_password_s_file_that_is_no_text_is_a_usage_error_without_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"penc\xffl")
    given = Given({"broker": "h:1883", "username": "ann"}, secret_file=tmp_path / "password", env={})
    with pytest.raises(UsageError, match="it is not text") as caught:
        PLATFORM.account(given)
    assert "penc" not in caught.value.message


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("mqtt://h", "tcp://h"),
        ("mqtts://h:1", "ssl://h:1"),
        ("tcp://h:1", "tcp://h:1"),
        ("ssl://h:1", "ssl://h:1"),
        ("ws://h/mqtt", "ws://h/mqtt"),
        ("wss://h", "wss://h"),
        ("h:1883", "tcp://h:1883"),
    ],
)
def test_every_form_of_an_address_is_understood(written: str, url: str) -> None:
    assert account(broker=written).bare.url == url


def test_the_command_line_is_before_the_file_and_that_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "broker.env"
    file.write_text("broker=mqtt://of-file\nusername=of-file\npassword=p\n")
    env = {"MQTT_BROKER": "mqtt://of-env", "MQTT_USERNAME": "of-env", "MQTT_PASSWORD": "of-env"}
    found = account(env, file, username="of-line").bare
    assert (found.url, found.username, found.password) == ("tcp://of-file", "of-line", "p")
    assert account(env).bare.username == "of-env"


def test_a_login_is_kept_for_its_owner_only_and_found_again() -> None:
    first = account({"MQTT_PASSWORD": "pencil"}, broker="mqtts://h", username="ann")
    first.client()
    (kept,) = first.folder.iterdir()
    assert (kept.stat().st_mode & 0o777, first.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert account(broker="mqtts://h").bare == first.bare
    assert "password" not in first.shown(secrets=False)
    assert first.shown(secrets=True)["password"] == "pencil"
    assert first.forget()
    assert account(broker="mqtts://h").bare.username == ""


def test_another_user_s_kept_password_is_not_taken() -> None:
    account({"MQTT_PASSWORD": "pencil"}, broker="mqtts://h", username="ann").client()
    with pytest.raises(UsageError, match="no password given for user bob at h:8883"):
        account(broker="mqtts://h", username="bob")


def test_nobody_in_particular_keeps_nothing() -> None:
    anybody = account(broker="mqtt://127.0.0.1")
    anybody.client()
    assert not anybody.folder.exists()


@pytest.mark.parametrize(
    ("values", "env", "cause"),
    [
        ({}, {}, "no broker given"),
        ({"broker": "http://h"}, {}, "is no address of an MQTT broker"),
        ({"broker": "mqtt://ann:pencil@h"}, {}, "is no address of an MQTT broker"),
        ({"broker": "mqtts://h"}, {"MQTT_PASSWORD": "p"}, "a password, and no user"),
        ({"broker": "mqtts://h", "username": "ann"}, {}, "no password given for user ann"),
        ({"broker": "mqtts://h", "certificate": "/c.pem"}, {}, "a client's certificate and its key go together"),
        ({"broker": "mqtts://h", "ca": "/nowhere.pem"}, {}, "/nowhere.pem: No such file"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(values: dict[str, str], env: dict[str, str], cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        account(env, **values)
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.next_step
    assert "pencil" not in caught.value.message


def test_certificates_without_tls_are_refused(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with pytest.raises(UsageError, match="is without TLS"):
        account(broker="mqtt://h", ca=str(certificates.ca))


@pytest.mark.parametrize("content", ["", "no certificate", "\xff"])
def test_an_authority_s_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match="ca.pem: no"):
        account(broker="mqtts://h", ca=str(file))


@pytest.mark.parametrize("form", [["pkcs8", "-topk8", "-nocrypt"], ["ec"]])
def test_a_client_s_key_is_read_in_either_form_and_becomes_java_s(tmp_path: Path, form: list[str]) -> None:
    make_certificates(tmp_path)
    key = tmp_path / "client.key"
    subprocess.run(["openssl", *form, "-in", tmp_path / "server.key", "-out", key], check=True, capture_output=True)
    tls = read_tls(None, tmp_path / "server.pem", key)
    assert tls.private_key.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert isinstance(client_context(tls), ssl.SSLContext)


@pytest.mark.parametrize("private", [bytes([0xA0, 2]) * 16, bytes(66)])
def test_a_curve_is_found_behind_any_private_key(private: bytes) -> None:
    curve = bytes.fromhex("06082a8648ce3d030107")
    inner = pem._der(2, b"\x01") + pem._der(4, private) + pem._der(0xA0, curve)
    for rest in (b"", pem._der(0xA1, bytes(100))):
        assert pem._curve_of(pem._der(0x30, inner + rest)) == curve


def test_an_rsa_key_of_the_older_form_becomes_java_s(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "new.key", "-out", "c.pem"]
    subprocess.run([*made, "-subj", "/CN=c"], cwd=tmp_path, check=True, capture_output=True)
    old = ["openssl", "rsa", "-in", "new.key", "-traditional", "-out", "old.key"]
    subprocess.run(old, cwd=tmp_path, check=True, capture_output=True)
    assert "RSA PRIVATE KEY" in (tmp_path / "old.key").read_text()
    texts = [read_tls(None, tmp_path / "c.pem", tmp_path / name).private_key for name in ("new.key", "old.key")]
    assert texts[0] == texts[1]


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    with pytest.raises(UsageError, match="the key is not the certificate's"):
        read_tls(None, tmp_path / "server.pem", tmp_path / "ca.key")


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    words = ["openssl", "pkcs8", "-topk8", "-passout", "pass:secret", "-in", "server.key", "-out", "e.key"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(UsageError, match="no private key in it, or an encrypted one"):
        read_tls(None, tmp_path / "server.pem", tmp_path / "e.key")


# --- when it is meant ---


@pytest.mark.parametrize(
    ("given", "noted", "name"),
    [
        (Given({"broker": "mqtt://h"}, env={}), None, "mqtt"),
        (Given({"broker": "mqtt://h"}, env={"NETPIE_APPID": "A"}), None, "mqtt"),
        (Given(hints={"broker": "mqtt://h"}, env={}), None, "mqtt"),
        (Given(hints={"broker": "mqtt://h"}, env={"NETPIE_APPID": "A"}), None, "netpie2015"),
        (Given(hints={"broker": "mqtt://h"}, env={}), "netpie2015", "netpie2015"),
        (Given(env={"MQTT_BROKER": "mqtt://h"}), None, "mqtt"),
        (Given(env={}), "mqtt", "mqtt"),
        (Given({"appid": "A"}, env={"MQTT_BROKER": "mqtt://h"}), None, "netpie2015"),
    ],
)
def test_a_broker_without_an_application_is_this_platform(given: Given, noted: str | None, name: str) -> None:
    assert chosen_platform(given, noted=noted).name == name


def test_an_application_and_a_broker_are_two_platforms() -> None:
    with pytest.raises(UsageError, match="is of netpie2015 and mqtt"):
        chosen_platform(Given({"appid": "A", "broker": "mqtt://h"}, env={}))


# --- the note ---


def note(bundle: str = "streaming", bare: Login = BARE, **given: str) -> RenderedNote:
    at = BrokerAccount(bare, Path())
    jars = {"mqtt_jars": "/a.jar"} if bundle != "structured" else {}
    pairs = [f"{name}={value}" for name, value in {**jars, **given}.items()]
    spec = note_spec(load_bundle(bundle), pairs, at.place)
    check_spec(spec)
    connection = BrokerClient(bare).connection(spec.values, spec.path)
    return render(spec.bundle, spec.values, connection, zeppelin=ServerVersion(0, 10), scala="2.12", path=spec.path)


def test_a_note_in_python_writes_certificates_into_files_that_nobody_else_reads() -> None:
    defined: dict[str, Any] = {"Messages": lambda options, **_: options}
    exec(code(note("structured", topic="a", secrets="inline"), "stream"), defined)
    options = defined["messages"]
    assert read_source({name: str(value) for name, value in options.items()}, streaming=True).topics == ("a",)
    files = [Path(options[f"mqtt.ssl.{name}"]) for name in ("ca", "cert", "key")]
    assert [file.read_text() for file in files] == [BARE.tls.ca, BARE.tls.certificate, BARE.tls.private_key]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert files[0].parent.stat().st_mode & 0o777 == 0o700
    defined["CERTIFICATES"].cleanup()
    assert not files[2].exists()


def test_a_note_in_python_without_certificates_has_no_files() -> None:
    bare = replace(BARE, tls=Tls(PEM))
    defined: dict[str, Any] = {"Messages": lambda options, **_: options}
    exec(code(note("structured", bare, topic="a", secrets="inline"), "stream"), defined)
    assert [defined["messages"][f"mqtt.ssl.{name}"] for name in ("cert", "key")] == ["", ""]


def test_a_note_reads_user_password_and_certificates_from_the_store() -> None:
    made = note(topic="/a/b,$SYS/x")
    text = code(made, "stream")
    assert 'brokerUrl="ssl://broker.example:8883",' in text
    assert 'topics=Seq("/a/b", "$SYS/x"),' in text
    assert "login=NetpieMqtt.fixed(username=scala.util.Try(" in text
    assert "tls=NetpieMqtt.tls(ca=scala.util.Try(" in text
    assert 'clientId="zeppelin-' in text
    stored = {entity.rpartition("-")[2]: pair for entity, pair in made.credentials.items()}
    assert stored == {"mqtt": ("ann", PASSWORD), "tls": (BARE.tls.certificate, KEY), "ca": ("authorities", PEM)}
    assert not [each for each in (PASSWORD, "BEGIN PRIVATE") if any(each in p.text for p in made.paragraphs)]
    assert made.path.startswith("MQTT/broker-example ")
    assert (made.values["broker_login"], made.values["broker_tls"]) == ("password", "own")
    assert made.site["platform"] == "mqtt"


def test_a_login_stands_in_a_note_only_when_that_is_asked_for() -> None:
    text = code(note(secrets="inline"), "stream")
    assert 'privateKey="-----BEGIN PRIVATE KEY-----\\nKK==' in text
    assert note(secrets="inline").credentials == {}


def test_a_note_at_an_open_broker_has_no_login_and_may_have_several_receivers() -> None:
    made = note(bare=Login("tcp://127.0.0.1:1883"), receivers="3")
    text = code(made, "stream")
    assert "login=" not in text
    assert "tls=" not in text
    assert "receivers=3," in text
    assert made.credentials == {}
    assert "Events arrive from the broker 127.0.0.1:1883 over MQTT" in code(made, "introduction")


def test_the_document_s_note_takes_the_same_login() -> None:
    text = code(note("classic", connector="jar"), "stream")
    assert "username=Some(scala.util.Try(" in text
    assert "tls=netpie.spark.NetpieMqtt.tls(" in text
    anybody = code(note("classic", Login("tcp://h:1")), "stream")
    assert "username=None,\n" in anybody
    assert "password=None,\n" in anybody
    assert "tls=" not in anybody


@pytest.mark.parametrize(
    ("bundle", "bare", "given", "cause", "next_step"),
    [
        ("classic", BARE, {}, "no authority and no certificate of one's own", "connector=jar"),
        ("classic", Login("wss://h"), {}, "not over websockets", "--bundle streaming"),
        ("examples/greenhouse", BARE, {}, "does not take|has no|there is no", ""),
        ("streaming", BARE, {"broker_login": "none"}, "it follows from the credentials", "leave --param broker_login="),
        ("streaming", BARE, {"broker_ca": "/ca.pem"}, "authorities are given twice", "leave out"),
        ("streaming", Login("tcp://h:1"), {"broker_ca": "/ca.pem"}, "broker_ca is for TLS", "mqtts://"),
        ("streaming", BARE, {"topic": "a/#/b"}, "# has to be the last level", "a/#"),
        ("streaming", BARE, {"topic": "a\0b"}, "control character", "printable"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(
    bundle: str, bare: Login, given: dict[str, str], cause: str, next_step: str
) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        note(bundle, bare, **given)
    assert next_step in caught.value.next_step
    assert len(caught.value.message.splitlines()) == 1


def test_a_note_can_be_made_again_from_what_its_apply_noted() -> None:
    made = note()
    spec = note_spec(load_bundle("streaming"), ["mqtt_jars=/a.jar"], BrokerAccount(BARE, Path()).place)
    again = PLATFORM.of_site(made.site).connection(spec.values, spec.path)
    rendered = render(spec.bundle, spec.values, again, zeppelin=ServerVersion(0, 10), scala="2.12", path=spec.path)
    assert code(rendered, "stream") == code(made, "stream")


def test_only_a_plain_connection_to_another_machine_is_told() -> None:
    assert "without TLS" in plain_warning("tcp://broker.example:1883")
    assert "without TLS" in plain_warning("ws://broker.example")
    for url in ("ssl://broker.example", "wss://h", "tcp://127.0.0.1:1883", "tcp://localhost:1", "tcp://[::1]:1883"):
        assert plain_warning(url) == ""


def test_an_apply_tells_of_a_plain_connection_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    told = []
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        for broker in ("mqtt://broker.example", "mqtt://broker.example", "mqtts://broker.example"):
            options = ["--broker", broker, "--no-run", "--note", "a", "--param", "mqtt_jars=/paho.jar"]
            assert run(["apply", *options]) == 0
            told.append("is asked without TLS" in capsys.readouterr().err)
    assert told == [True, False, False]


def test_a_place_needs_no_secret() -> None:
    place = PLATFORM.place(Given({"broker": "mqtts://broker.example"}, env={}))
    assert isinstance(place, Place)
    assert place.parameters["appid"] == "broker-example"


def test_a_publisher_names_its_topic_whole_and_has_a_client_id_of_its_own() -> None:
    sender = BrokerAccount(BARE, Path()).sender("/as/it/is")
    assert sender.topic == "/as/it/is"
    assert sender.login().client_id.startswith("publisher-")
    with pytest.raises(UsageError, match="wildcards"):
        BrokerAccount(BARE, Path()).sender("a/#")


def test_a_damaged_file_is_told_by_name(tmp_path: Path) -> None:
    kept = account({"MQTT_PASSWORD": "p"}, broker="mqtts://h", username="ann")
    kept.client()
    (file,) = kept.folder.iterdir()
    for text in ("{", json.dumps([])):
        file.write_text(text)
        with pytest.raises(UsageError, match="broker-h-8883.cache: it is damaged"):
            account(broker="mqtts://h")


def test_a_broker_that_is_away_is_told_before_anything_is_written(answering) -> None:
    with pytest.raises(UnreachableError, match="127.0.0.1:9: ") as caught:
        BrokerClient(Login("tcp://127.0.0.1:9")).reachable("nothing was written")
    assert caught.value.next_step.endswith("; nothing was written")
