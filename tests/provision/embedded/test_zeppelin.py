import hashlib
import json
import ssl
import stat
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provision.embedded import trust, zeppelin
from provision.embedded.loopback import LoopbackJars
from provision.embedded.runtime import Runtime
from provision.embedded.starting import last_words
from provision.embedded.zeppelin import Folders

LOOPBACK = LoopbackJars((Path("/jars/shaded.jar"), Path("/jars/plain.jar")), (Path("/jars/shaded.jar"),))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    home = tmp_path / "zeppelin"
    home.mkdir()
    return Runtime(home, tmp_path / "spark", tmp_path / "jre", tmp_path / "paho.jar")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "data & more")


def site(folders: Folders) -> dict[str, str]:
    root = ElementTree.parse(folders.conf / "zeppelin-site.xml").getroot()
    return {entry.findtext("name", ""): entry.findtext("value", "") for entry in root.findall("property")}


def test_the_server_listens_on_loopback_only_and_asks_no_address_outside(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 4711)
    properties = site(folders)
    assert properties["zeppelin.server.addr"] == "127.0.0.1"
    assert properties["zeppelin.server.port"] == "4711"
    assert properties["zeppelin.notebook.dir"] == str(folders.notebook)
    assert "://" not in properties["zeppelin.helium.registry"]
    environment = zeppelin.environment(runtime, folders, LOOPBACK, "mark")
    assert environment["ZEPPELIN_LOCAL_IP"] == environment["SPARK_LOCAL_IP"] == "127.0.0.1"


def test_spark_s_paragraphs_have_a_python_that_can_be_run(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 4711)
    environment = zeppelin.environment(runtime, folders, LOOPBACK, "mark")
    assert environment["PYSPARK_PYTHON"] == environment["PYSPARK_DRIVER_PYTHON"] == str(folders.python)
    assert stat.S_IMODE(folders.python.stat().st_mode) == 0o700


def test_the_key_of_the_credential_store_survives_a_restart(runtime: Runtime, folders: Folders) -> None:
    keys = set()
    for _ in range(2):
        zeppelin.configure(runtime, folders, 1)
        keys.add(site(folders)["zeppelin.credentials.encryptKey"])
    (key,) = keys
    assert len(key) == 16
    assert stat.S_IMODE((folders.conf / "credentials.key").stat().st_mode) == 0o600


def test_a_start_begins_a_new_log(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 1)
    folders.log.write_text("of the last run")
    zeppelin.configure(runtime, folders, 1)
    assert not folders.log.exists()
    assert (folders.logs / "zeppelin.previous.log").read_text() == "of the last run"


@pytest.mark.parametrize("same_spark", [True, False])
def test_interpreter_settings_stay_unless_they_name_another_spark(
    runtime: Runtime, folders: Folders, same_spark: bool
) -> None:
    zeppelin.configure(runtime, folders, 1)
    settings = folders.conf / "interpreter.json"
    settings.write_text(json.dumps({"SPARK_HOME": str(runtime.spark_home) if same_spark else "/other/spark"}))
    zeppelin.configure(runtime, folders, 1)
    assert settings.exists() is same_spark


def test_a_distribution_s_web_page_is_served_and_the_embedded_one_has_none(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 1)
    assert site(folders)["zeppelin.war"] == str(folders.root / "no-web-page")
    war = runtime.zeppelin_home / "zeppelin-web-0.12.0.war"
    war.touch()
    zeppelin.configure(runtime, folders, 1)
    assert site(folders)["zeppelin.war"] == str(war)


@pytest.mark.parametrize(
    "name",
    ["NETPIE_APPSECRET", "ZEPPELIN_PASSWORD", "ZEPPELIN_ADDR", "SPARK_CONF_DIR", "MASTER", "HADOOP_CONF_DIR"],
)
def test_variables_of_other_servers_do_not_reach_this_one(
    name: str, runtime: Runtime, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "of-another")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test")
    environment = zeppelin.environment(runtime, folders, LOOPBACK, "mark")
    assert "of-another" not in environment.values()
    assert environment["HTTPS_PROXY"] == "http://proxy.test"
    assert environment["PROVISION_STACK"] == "mark"


# --- trust ---

CERTIFICATES = [b"certificate one", b"certificate two, a longer one"]


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PEM file in SSL_CERT_FILE, on a machine without a store for Java."""
    monkeypatch.setattr(trust, "SYSTEM_STORES", (tmp_path / "none",))
    for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "ca.pem"
    path.write_text("# one\n" + "# two\n".join(ssl.DER_cert_to_PEM_cert(each) for each in CERTIFICATES))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def read_key_store(content: bytes) -> list[bytes]:
    """The certificates of a JKS file, its checksum checked."""
    salted = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content[:-20]
    assert hashlib.sha1(salted).digest() == content[-20:]
    magic, version, count = struct.unpack_from(">III", content)
    assert (magic, version) == (0xFEEDFEED, 2)
    at, found = 12, []
    for _ in range(count):
        (tag, length) = struct.unpack_from(">IH", content, at)
        assert tag == 2
        at += 6 + length + 8
        (length,) = struct.unpack_from(">H", content, at)
        assert content[at + 2 : at + 2 + length] == b"X.509"
        at += 2 + length
        (length,) = struct.unpack_from(">I", content, at)
        found.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    assert at == len(content) - 20
    return found


def test_java_trusts_the_certificates_that_python_is_told_to(bundle: Path, tmp_path: Path) -> None:
    store = tmp_path / "trust.jks"
    assert f"-Djavax.net.ssl.trustStore={store}" in trust.trust_options(store)
    assert read_key_store(store.read_bytes()) == CERTIFICATES


def test_a_store_of_the_system_s_for_java_comes_first(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "cacerts"
    system.touch()
    monkeypatch.setattr(trust, "SYSTEM_STORES", (system,))
    assert trust.trust_options(tmp_path / "trust.jks") == [f"-Djavax.net.ssl.trustStore={system}"]
    assert not (tmp_path / "trust.jks").exists()


def test_a_store_that_the_person_names_to_java_is_left_alone(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xint -Djavax.net.ssl.trustStore=/my/store")
    assert trust.trust_options(tmp_path / "trust.jks") == []


@pytest.mark.parametrize("text", [None, "", "no certificate in it"])
def test_without_certificates_the_jre_s_own_list_is_in_force(text: str | None, bundle: Path, tmp_path: Path) -> None:
    bundle.unlink() if text is None else bundle.write_text(text)
    assert trust.trust_options(tmp_path / "trust.jks") == []


# --- last words ---


def test_the_last_words_are_those_before_a_stack_trace(tmp_path: Path) -> None:
    log, output = tmp_path / "a.log", tmp_path / "a.out"
    log.write_text("INFO one\nCaused by: no such   port\n\tat a.B.c(D.java)\n\t... 12 more\n\n")
    output.write_text("warning")
    assert last_words([log, output]) == ("Caused by: no such port", log)
    log.unlink()
    assert last_words([log, output]) == ("warning", output)
    output.write_text("")
    assert last_words([log, output]) == ("it ended without a word", output)


def test_temporary_files_are_in_a_private_folder_that_a_start_empties(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 1)
    left = folders.temporary / "spark-1" / "line.class"
    left.parent.mkdir()
    left.write_text("a secret")
    assert stat.S_IMODE(folders.temporary.stat().st_mode) == 0o700
    options = zeppelin.environment(runtime, folders, LOOPBACK, "mark")["ZEPPELIN_INTP_JAVA_OPTS"]
    assert f"-Djava.io.tmpdir={folders.temporary}" in options
    zeppelin.configure(runtime, folders, 1)
    assert not left.exists()


def test_a_page_on_the_server_s_own_addresses_may_open_a_websocket(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 4711)
    assert site(folders)["zeppelin.server.allowed.origins"] == "http://127.0.0.1:4711,http://localhost:4711"


def test_what_is_added_to_a_note_is_not_logged(runtime: Runtime, folders: Folders) -> None:
    zeppelin.configure(runtime, folders, 1)
    assert (
        "log4j.logger.org.apache.zeppelin.rest.NotebookRestApi = WARN"
        in (folders.conf / "log4j.properties").read_text()
    )
