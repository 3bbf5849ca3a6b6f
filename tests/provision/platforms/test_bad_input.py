"""Each platform's bad input, on the command line: one line with the cause and the next step, and its exit status."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from netpie_emulator import Emulator
from netpie_emulator.http_api import EmulatedAuthServer
from netpie_emulator.netpie2020 import Account, Emulator2020
from netpie_emulator.netpie2020.devices import new_device
from netpie_emulator.netpie2020.quota import quota_of
from provision.cli import run
from provision.mqtt.login import Login
from sdk_support.certificates import make_certificates
from zeppelin_sdk.testing import FakeZeppelin

BATCH = json.dumps({"batch": [{"data": {"t": number}, "ts": -number} for number in range(101)]})
PUBLISH = ("publish", "--message", "{}")
APPLY = ("apply", "--no-run", "--param", "mqtt_jars=/paho.jar")
LISTEN = ("sub", "--seconds", "30")


@dataclass
class Bad:
    """Servers with a fault, made as a test asks for them; `secrets` may be in nothing that is said."""

    folder: Path
    env: Callable[[str, str], None]
    answering: Callable[..., Any]
    open: ExitStack
    secrets: list[str] = field(default_factory=list)

    def certificate(self, fault: str) -> Any:
        """A server's, and the authority trusted or not."""
        address, days = {"other host": ("127.0.0.2", 2), "expired": ("127.0.0.1", -1)}.get(fault, ("127.0.0.1", 2))
        made = make_certificates(self.folder, address, days=days)
        both = (self.folder / "server.pem").read_text() + (self.folder / "server.key").read_text()
        (self.folder / "both.pem").write_text(both)
        if fault != "unknown CA":
            self.env("SSL_CERT_FILE", str(made.ca))
        return made

    def netpie2020(self, fault: str) -> list[str]:
        """A device's credentials file."""
        quota = {"quota out": ["messages=0"], "shadow quota out": ["shadow=0"]}.get(fault, [])
        is_certificate = fault in CERTIFICATES
        if is_certificate:
            self.certificate(fault)
        account = Account()
        one = account.add(new_device(alias="one", enabled=fault != "disabled", banned=fault == "banned"))
        one.group = {"no group": "", "wrong group": "G1"}.get(fault, "G0")
        pem = self.folder / "both.pem" if is_certificate else None
        emulator = self.open.enter_context(Emulator2020(account, quota=quota_of(quota), certificate=pem))
        broker = f"tcp://127.0.0.1:{emulator.mqtt_port}"
        if is_certificate:
            broker = f"ssl://127.0.0.1:{emulator.tls_port}"
        if fault == "protocol":
            broker = f"tcp://127.0.0.1:{self.open.enter_context(self.answering(1))}"
        self.env("NETPIE_API", emulator.api_url)
        self.env("NETPIE_BROKER", broker)
        wrong = {"wrong token": "token", "wrong secret": "secret"}.get(fault, "")
        keys = {"client_id": one.client_id, "token": one.token, "secret": one.secret}
        file = self.folder / "device.env"
        file.write_text("".join(f"{name}={'wrong' if name == wrong else key}\n" for name, key in keys.items()))
        file.chmod(0o600)
        self.secrets += [one.token, one.secret]
        return ["--credentials-file", str(file), *(["--group", "P0/G0"] if fault == "wrong group" else [])]

    def netpie2015(self, fault: str) -> list[str]:
        """An application, whose secret is in the environment."""
        emulator = self.open.enter_context(Emulator("APP", state=self.folder / "netpie"))
        app = emulator.application
        self.env("NETPIE_APPSECRET", "WRONGSECRET" if fault == "wrong secret" else app.appsecret)
        self.secrets.append(app.appsecret)
        auth = emulator.auth_url
        if fault in CERTIFICATES:
            port = self.open.enter_context(self.answering(0, self.certificate(fault).server))
            auth = f"https://127.0.0.1:{port}"
        elif fault in ("protocol", "disabled"):
            port = self.open.enter_context(self.answering({"protocol": 1, "disabled": 5}[fault]))
            server = EmulatedAuthServer(emulator.store, 0, dict)
            server.endpoint = f"pie://127.0.0.1:{port}"
            server.start()
            self.open.callback(server.stop)
            auth = server.url
        key = "NOSUCHKEY000000" if fault == "wrong key" else app.appkey
        return ["--appid", app.appid, "--appkey", key, "--auth", auth]

    def mqtt(self, fault: str) -> list[str]:
        """A user of a broker, whose password is in the environment."""
        self.env("MQTT_PASSWORD", "pencil-of-ann")
        self.secrets.append("pencil-of-ann")
        code = {"wrong password": 4, "not allowed": 5, "protocol": 1}.get(fault, 0)
        made = self.certificate(fault) if fault in CERTIFICATES else None
        port = self.open.enter_context(self.answering(code, made.server if made else None))
        trusted = ["--mqtt-ca", str(made.ca)] if made and fault != "unknown CA" else []
        url = Login(f"{'mqtts' if made else 'mqtt'}://127.0.0.1:{port}").url
        return ["--broker", url, "--mqtt-user", "ann", *trusted]


CERTIFICATES = ("other host", "expired", "unknown CA")

CASES = [
    ("netpie2020", "wrong token", PUBLISH, "NETPIE refuses its token; copy client id and token anew", 5),
    ("netpie2020", "wrong token", APPLY, "NETPIE refuses its token; copy client id and token anew", 5),
    ("netpie2020", "wrong secret", LISTEN, "not authorised (CONNACK 5); check client id, token and secret", 5),
    ("netpie2020", "disabled", PUBLISH, "is disabled; enable it on the device's page", 5),
    ("netpie2020", "disabled", APPLY, "is disabled; enable it on the device's page", 5),
    ("netpie2020", "disabled", LISTEN, "is disabled; enable it on the device's page", 5),
    ("netpie2020", "banned", PUBLISH, "is banned; ", 5),
    ("netpie2020", "no group", PUBLISH, "is in no group: nobody else hears its messages", 2),
    ("netpie2020", "no group", APPLY, "is in no group: nobody else hears its messages", 2),
    ("netpie2020", "no group", LISTEN, "is in no group: nobody else hears its messages", 2),
    ("netpie2020", "wrong group", PUBLISH, "is in group P0/G1, not in P0/G0; put it into the group", 2),
    ("netpie2020", "wrong group", APPLY, "is in group P0/G1, not in P0/G0; put it into the group", 2),
    ("netpie2020", "quota out", PUBLISH, "quota of messages exceeded; look at the quota", 1),
    ("netpie2020", "shadow quota out", (*PUBLISH, "--topic", "@shadow"), "quota of shadow operations exceeded", 1),
    ("netpie2020", "batch", ("publish", "--topic", "@shadow/batch", "--message", BATCH), "a batch of 101 writes", 2),
    ("netpie2020", "other host", LISTEN, "its certificate is refused: it is for another address", 4),
    ("netpie2020", "expired", LISTEN, "its certificate is refused: it has expired", 4),
    ("netpie2020", "unknown CA", LISTEN, "its certificate is refused: its authority is not trusted", 4),
    ("netpie2020", "protocol", LISTEN, "it does not speak MQTT 3.1.1 (CONNACK 1); use another broker", 5),
    ("netpie2015", "wrong key", PUBLISH, "NOSUCHKEY000000", 5),
    ("netpie2015", "wrong secret", PUBLISH, "; ", 5),
    ("netpie2015", "wrong secret", APPLY, "; ", 5),
    ("netpie2015", "disabled", PUBLISH, "not authorised, or the key is disabled (CONNACK 5)", 5),
    ("netpie2015", "other host", PUBLISH, "its TLS certificate is not trusted: IP address mismatch", 4),
    ("netpie2015", "expired", PUBLISH, "its TLS certificate is not trusted: certificate has expired", 4),
    ("netpie2015", "unknown CA", PUBLISH, "not trusted: unable to get local issuer certificate; check the address", 4),
    ("netpie2015", "protocol", PUBLISH, "it does not speak MQTT 3.1.1 (CONNACK 1); use another broker", 5),
    ("mqtt", "wrong password", PUBLISH, "user name or password is wrong (CONNACK 4); check user and password", 5),
    ("mqtt", "not allowed", PUBLISH, "not authorised (CONNACK 5); check user and password", 5),
    ("mqtt", "not allowed", (*APPLY, "--check-broker"), "not authorised (CONNACK 5); check user and password", 5),
    ("mqtt", "other host", PUBLISH, "its certificate is refused: it is for another address", 4),
    ("mqtt", "expired", PUBLISH, "its certificate is refused: it has expired", 4),
    ("mqtt", "unknown CA", PUBLISH, "its certificate is refused: its authority is not trusted", 4),
    ("mqtt", "protocol", PUBLISH, "it does not speak MQTT 3.1.1 (CONNACK 1); use another broker", 5),
]


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answering: Callable[..., Any]) -> Iterator[Bad]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack, FakeZeppelin("0.10") as zeppelin:
        monkeypatch.setenv("ZEPPELIN_URL", zeppelin.url)
        yield Bad(tmp_path, monkeypatch.setenv, answering, stack)
        assert zeppelin.notes == {}


@pytest.mark.parametrize(
    ("platform", "fault", "words", "told", "status"),
    CASES,
    ids=[f"{platform}-{fault}-{words[0]}" for platform, fault, words, *_ in CASES],
)
def test_bad_input_is_one_line_with_its_status(
    bad: Bad, capsys: pytest.CaptureFixture[str], platform: str, fault: str, words: tuple[str, ...], told: str,
    status: int,
) -> None:  # fmt: skip
    options = getattr(bad, platform)(fault)
    assert run([words[0], *options, *words[1:]]) == status
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, err
    assert err.splitlines()[-1] == errors[0]
    assert told in errors[0]
    assert re.search(r"; \S", errors[0])
    assert not [secret for secret in bad.secrets if secret in out + err]


def test_the_table_has_each_kind_of_bad_input() -> None:
    of = {platform: {case[1] for case in CASES if case[0] == platform} for platform in ("netpie2020", "netpie2015")}
    named = {"wrong token", "disabled", "wrong group", "quota out", "batch", *CERTIFICATES, "protocol"}
    assert named <= of["netpie2020"]
    assert {"disabled", *CERTIFICATES, "protocol"} <= of["netpie2015"]
