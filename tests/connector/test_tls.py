"""Over TLS: an authority of one's own, and certificates that are refused."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator

import pytest

from provision.mqtt.pem import read_tls
from sdk_support.certificates import make_certificates

pytestmark = pytest.mark.integration


class TlsFront:
    """Ends TLS on a port of its own and passes what is said on to the port behind."""

    def __init__(self, server: ssl.SSLContext, behind: int) -> None:
        self._context, self._behind = server, behind
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._server = self._run(listening)
        self.port = self._server.sockets[0].getsockname()[1]

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(self._pass(reader, forth), self._pass(back, writer))

    @staticmethod
    async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while said := await source.read(65536):
                target.write(said)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def certificates(tmp_path):
    return make_certificates(tmp_path)


@pytest.fixture
def front(broker, certificates) -> Iterator[TlsFront]:
    made = TlsFront(certificates.server, broker.port)
    yield made
    made.close()


def test_a_broker_whose_authority_is_named_is_trusted(probe, broker, front, certificates):
    probe.start(f"ssl://127.0.0.1:{front.port}", caFile=certificates.ca)
    broker.until_subscribed()
    broker.publish("over TLS")
    assert probe.wait_for_messages(1) == ["over TLS"]


def test_a_broker_that_java_does_not_trust_is_refused(probe, broker, front):
    probe.start(f"ssl://127.0.0.1:{front.port}")
    error = probe.wait("error")
    assert "the broker's certificate is refused: unable to find valid certification path" in error
    assert "(checked against the authorities that Java trusts)" in error
    assert broker.connects == []


def test_a_certificate_for_another_host_is_refused(probe, broker, front, certificates):
    probe.start(f"ssl://localhost:{front.port}", caFile=certificates.ca)
    error = probe.wait("error")
    assert "the broker's certificate is refused: No " in error
    assert "localhost found" in error
    assert "\\n" not in error
    assert broker.connects == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authority_s_file_that_is_none_is_named(probe, front, tmp_path, content):
    file = tmp_path / "other.pem"
    if content is not None:
        file.write_text(content)
    probe.start(f"ssl://127.0.0.1:{front.port}", caFile=file)
    assert f"caFile {file}: " in probe.wait("error")


def test_an_authority_without_tls_is_refused(probe, broker, certificates):
    probe.start(broker.url, caFile=certificates.ca)
    assert "caFile is for ssl:// and wss://" in probe.wait("refused")


def test_a_client_s_certificate_an_authority_as_text_and_a_login_reach_the_broker(
    probe, broker, certificates, tmp_path
):
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "client.key", "-out", "client.pem"]
    subprocess.run([*words, "-subj", "/CN=ann"], cwd=tmp_path, check=True, capture_output=True)
    certificates.server.verify_mode = ssl.CERT_REQUIRED
    certificates.server.load_verify_locations(tmp_path / "client.pem")
    tls = read_tls(certificates.ca, tmp_path / "client.pem", tmp_path / "client.key")
    key = tmp_path / "java.key"
    key.write_text(tls.private_key)
    front = TlsFront(certificates.server, broker.port)
    try:
        own = {"ca": certificates.ca, "certificate": tmp_path / "client.pem", "key": key}
        probe.start(f"ssl://127.0.0.1:{front.port}", username="ann", password="pencil", **own)
        broker.until_subscribed()
        broker.publish("with a certificate")
        assert probe.wait_for_messages(1) == ["with a certificate"]
        assert [(each.username, each.password, each.level) for each in broker.connects] == [("ann", "pencil", 4)]
    finally:
        front.close()


def test_an_authority_that_is_given_twice_is_refused(probe, broker, certificates):
    probe.start(f"ssl://127.0.0.1:{broker.port}", caFile=certificates.ca, ca=certificates.ca)
    assert "caFile and ca are both given" in probe.wait("refused")
