import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import zeppelin_sdk
from zeppelin_sdk import (
    LoginRequiredError,
    NotFoundError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
    WaitTimeoutError,
    ZeppelinClient,
    ZeppelinError,
)
from zeppelin_sdk.testing import Answer, Drop, FakeZeppelin, html, ok, refused


@contextmanager
def listening(*, accepting: bool = True) -> Iterator[socket.socket]:
    """A port where nobody answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if accepting:
            server.listen()
        yield server


def unreachable(url: str, *, timeout: float = 2) -> ServerUnreachableError:
    with ZeppelinClient(url, timeout=timeout) as client, pytest.raises(ServerUnreachableError) as caught:
        client.get_version()
    assert caught.value.next_step
    return caught.value


def test_a_closed_port_is_refused() -> None:
    with listening(accepting=False) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        error = unreachable(url)
    assert error.message == f"{url}: connection refused"
    assert error.request == f"GET {url}/api/version"


def test_a_silent_server_times_out() -> None:
    with listening() as server:
        error = unreachable(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.05)
    assert error.message.endswith("no answer within 0.05 s")


def test_a_host_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert unreachable("http://zeppelin.invalid").message.endswith("the host's name is unknown")


def test_https_to_a_server_that_speaks_http_says_so(fake: FakeZeppelin) -> None:
    error = unreachable(fake.url.replace("http:", "https:"))
    assert error.message.endswith("it does not speak TLS")
    assert "http://" in error.next_step


def test_a_certificate_that_is_not_trusted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_trusted(*_args: object, **_more: object) -> None:
        raise ssl.SSLCertVerificationError(
            1,
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1)",
        )

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", not_trusted)
    with listening() as server:
        error = unreachable(f"https://127.0.0.1:{server.getsockname()[1]}")
    assert error.message.endswith("its TLS certificate is of a CA that is not known here: self-signed certificate")
    assert error.next_step == "name the CA's file, or set SSL_CERT_FILE to it"


def test_a_connection_that_is_cut_says_so(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", Drop(), Drop(), Drop())
    with pytest.raises(ServerUnreachableError, match="the connection was lost"):
        client.list_notes()


def test_an_answer_cut_short_says_so(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    short = [Answer(200, "{", {"Content-Length": "100"}) for _ in range(3)]
    fake.fail_next("GET", *short)
    threading.Timer(0.2, fake.drop_connections).start()
    with ZeppelinClient(fake.url, timeout=0.1) as impatient, pytest.raises(ServerUnreachableError):
        impatient.list_notes()


@pytest.mark.parametrize(
    "answer",
    [
        html(200, "Welcome to nginx"),
        html(404, "Not Found"),
        Answer(200, "[]"),
        Answer(200, '{"version": "1.0"}'),
        Answer(404, '{"timestamp": 1, "status": 404, "error": "Not Found", "path": "/api/version"}'),
        Answer(404, '{"status": "404", "message": "Not Found"}'),
        Answer(200, '{"status": "UP"}'),
        Answer(200, '{"status": "OK", "body": {"version": "unknown"}}'),
        html(301, "", {"Location": "https://elsewhere.example/?token=1"}),
        html(403, "Forbidden"),
    ],
    ids=lambda answer: f"{answer.status} {answer.body.decode()[:40]}",
)
def test_a_server_that_is_not_zeppelin_is_one_error(client: ZeppelinClient, fake: FakeZeppelin, answer: Answer) -> None:
    fake.fail_next("GET", answer)
    with pytest.raises(NotZeppelinError) as caught:
        client.get_version()
    assert fake.url in caught.value.message


def test_a_redirect_names_its_target_without_the_query(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", html(301, "", {"Location": "https://elsewhere.example/?token=1"}))
    with pytest.raises(NotZeppelinError, match=r"on to https://elsewhere\.example/$"):
        client.list_notes()


def test_a_page_in_place_of_a_call_asks_whether_this_is_zeppelin(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", html(404, "Not Found"), html(404, "Not Found"))
    with pytest.raises(NotZeppelinError):
        client.list_notes()


@pytest.mark.parametrize(
    ("call", "body"),
    [("list_notes", {}), ("list_notes", ["x"]), ("list_interpreter_settings", None), ("list_credentials", [])],
)
def test_an_answer_of_another_shape_is_an_error(
    client: ZeppelinClient, fake: FakeZeppelin, call: str, body: object
) -> None:
    fake.fail_next("GET", ok(body))
    with pytest.raises(NotZeppelinError):
        getattr(client, call)()


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (refused(403, "FORBIDDEN", "Insufficient privileges\nmore"), PermissionDeniedError, "privileges$"),
        (html(403, "Origin not allowed"), PermissionDeniedError, "forbidden$"),
        (refused(401, "UNAUTHORIZED"), LoginRequiredError, "wants a login$"),
        (refused(404, "NOT_FOUND"), NotFoundError, "no such thing: GET .*/api/notebook$"),
        (
            Answer(415, "Unsupported Content-Type", {"Content-Type": "text/plain"}),
            ServerError,
            "refused GET /notebook: Unsupported",
        ),
        (
            Answer(500, json.dumps({"exception": "NullPointerException"})),
            ServerError,
            "NullPointerException$",
        ),
        (
            Answer(500, json.dumps({"status": "error", "message": "a\nb"})),
            ServerError,
            "failed on GET /notebook: a$",
        ),
        (html(500, "HTTP ERROR 500"), ServerError, "Internal Server Error$"),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, Answer) else None,
)
def test_an_answer_becomes_its_error(
    client: ZeppelinClient, fake: FakeZeppelin, answer: Answer, error: type[ZeppelinError], message: str
) -> None:
    fake.fail_next("GET", answer)
    with pytest.raises(error, match=message) as caught:
        client.list_notes()
    assert type(caught.value) is error
    assert caught.value.request == f"GET {fake.url}/api/notebook"
    assert "\n" not in caught.value.message


def test_a_server_errors_detail_is_all_that_the_server_said(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", refused(500, "INTERNAL_SERVER_ERROR", "first\nsecond"))
    with pytest.raises(ServerError) as caught:
        client.list_notes()
    assert (caught.value.status, caught.value.detail) == (500, "first\nsecond")


def errors() -> list[type[ZeppelinError]]:
    return [e for e in vars(zeppelin_sdk).values() if isinstance(e, type) and issubclass(e, ZeppelinError)]


def test_every_error_has_a_word_for_programs_and_leaves_the_exit_status_to_them() -> None:
    assert all(error.kind for error in errors())
    assert not any(hasattr(error, "exit_code") for error in errors())


def test_errors_of_the_network_and_of_time_are_pythons_too() -> None:
    assert {e for e in errors() if issubclass(e, OSError)} == {ServerUnreachableError, WaitTimeoutError}
    assert issubclass(ServerUnreachableError, ConnectionError)
    assert issubclass(WaitTimeoutError, TimeoutError)
    error = ServerUnreachableError("no answer", next_step="try again", request="GET http://host/api")
    assert (str(error), error.message, error.next_step) == ("no answer", "no answer", "try again")
