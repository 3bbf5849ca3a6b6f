import re

import pytest

from zeppelin_sdk import InvalidAddressError, NotFoundError, ZeppelinClient
from zeppelin_sdk._address import Address
from zeppelin_sdk.testing import FakeZeppelin


@pytest.mark.parametrize(
    ("url", "base", "origin", "websocket"),
    [
        ("http://h:8080", "http://h:8080", "http://h:8080", "ws://h:8080/ws"),
        ("http://h:8080/", "http://h:8080", "http://h:8080", "ws://h:8080/ws"),
        ("https://h/zeppelin/", "https://h/zeppelin", "https://h", "wss://h/zeppelin/ws"),
        ("http://h:8080/#/notebook/2A", "http://h:8080", "http://h:8080", "ws://h:8080/ws"),
        (" HTTP://Host ", "http://host", "http://host", "ws://host/ws"),
        ("http://[::1]:8080", "http://[::1]:8080", "http://localhost:8080", "ws://[::1]:8080/ws"),
        ("http://127.0.0.1", "http://127.0.0.1", "http://localhost", "ws://127.0.0.1/ws"),
    ],
)
def test_an_address_is_read_in_every_form(url: str, base: str, origin: str, websocket: str) -> None:
    address = Address.parse(url)
    assert (address.base, address.origin, address.websocket) == (base, origin, websocket)


@pytest.mark.parametrize(
    "url",
    ["", "h:8080", "ftp://h", "http://", "http:///path", "http://h:port", "http://h:99999", "http://[::1"],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InvalidAddressError):
        ZeppelinClient(url)


@pytest.mark.parametrize(
    "url", ["http://ann:hush@h:8080", "ftp://ann:hush@h", "ann:hush@h:8080", "ann:hu sh@h", "hush@h"]
)
def test_an_address_with_a_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidAddressError) as caught:
        ZeppelinClient(url)
    assert not re.search("hu ?sh", f"{caught.value!r} {caught.value.next_step}")


@pytest.mark.parametrize("note_id", ["", ".", ".."])
def test_an_id_that_would_change_the_call_is_refused(fake: FakeZeppelin, client: ZeppelinClient, note_id: str) -> None:
    with pytest.raises(NotFoundError):
        client.delete_note(note_id)
    assert fake.requests == []


def test_an_id_is_quoted() -> None:
    assert Address.parse("http://h").api("notebook", "a/b?c#d e") == "http://h/api/notebook/a%2Fb%3Fc%23d%20e"


def test_a_path_prefix_is_kept() -> None:
    with FakeZeppelin(prefix="/zeppelin") as fake, ZeppelinClient(f"{fake.url}/") as client:
        note_id = client.create_note("/a")
        assert client.note_url(note_id) == f"{fake.url}/#/notebook/{note_id}"
        assert fake.requests[0].path == "/zeppelin/api/notebook"
