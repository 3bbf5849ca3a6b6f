"""Who gets in: only what has the token, by the page's own name, from its own pages."""

import asyncio
from typing import Any

import pytest

from provision.page.access import Access, Guard, new_token

ACCESS = Access("127.0.0.1", 8123, "tokenTOKEN")
HOST = (b"host", b"127.0.0.1:8123")


def asked(path: str, *headers: tuple[bytes, bytes], kind: str = "http") -> tuple[list[Any], list[Any]]:
    """What the application got, and what the one who asks did."""
    got: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})

    async def receive() -> Any:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(app, ACCESS)({"type": kind, "path": path, "headers": list(headers)}, receive, send))
    return got, sent


def test_below_the_token_the_application_is_asked() -> None:
    (scope,), _ = asked("/tokenTOKEN/note/2A", HOST)
    assert scope["path"] == "/note/2A"
    assert (b"x-forwarded-prefix", b"/tokenTOKEN") in scope["headers"]
    assert asked("/tokenTOKEN", HOST)[0][0]["path"] == "/"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "path", ["/", "/note/2A", "/tokenTOKE/", "/tokenTOKENN/", "//tokenTOKEN/", "/_nicegui_ws/socket.io/", "/é/"]
)
def test_nothing_is_to_be_had_without_the_token(path: str, kind: str) -> None:
    got, sent = asked(path, HOST, kind=kind)
    assert got == []
    assert sent[0].get("status", 403) == 403
    assert sent[0].get("code", 1008) == 1008


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example:8123")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:8124")],
        [HOST, (b"host", b"evil.example")],
        [],
        [HOST, (b"origin", b"http://evil.example")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"http://127.0.0.1:9999")],
        [HOST, (b"origin", b"http://localhost:8123")],
        [HOST, (b"origin", b"https://127.0.0.1:8123")],
    ],
)
def test_a_foreign_name_or_origin_is_refused(headers: list[tuple[bytes, bytes]], kind: str) -> None:
    assert asked("/tokenTOKEN/", *headers, kind=kind)[0] == []


def test_the_page_s_own_origin_passes() -> None:
    assert asked("/tokenTOKEN/", HOST, (b"origin", b"http://127.0.0.1:8123"))[0]
    assert asked("/tokenTOKEN/", (b"host", b"LOCALHOST:8123"), (b"origin", b"http://localhost:8123"))[0]


def test_a_prefix_that_the_asker_makes_up_is_dropped() -> None:
    (scope,), _ = asked("/tokenTOKEN/", HOST, (b"X-Forwarded-Prefix", b"//evil.example"))
    assert [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-prefix"] == [b"/tokenTOKEN"]


def test_nothing_of_the_page_goes_to_another_server_or_into_its_frame() -> None:
    _, (start, *_) = asked("/tokenTOKEN/", HOST)
    headers = dict(start["headers"])
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"connect-src 'self'" in headers[b"content-security-policy"]


def test_a_token_is_new_each_time_and_no_part_of_what_is_printed() -> None:
    assert new_token() != new_token()
    assert len(new_token()) >= 43
    assert ACCESS.token not in repr(ACCESS)
