import pytest

from zeppelin_sdk import Credential, NotFoundError, ServerError, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin


def test_an_entry_is_stored_replaced_listed_and_deleted(client: ZeppelinClient) -> None:
    client.set_credential("db", "ann", "one")
    client.set_credential("db", "ann", "two")
    client.set_credential("api", "bob", "three")
    assert client.list_credentials() == [Credential("api", "bob", "three"), Credential("db", "ann", "two")]
    client.delete_credential("db")
    assert [c.entity for c in client.list_credentials()] == ["api"]


def test_an_entity_with_odd_characters_is_quoted(client: ZeppelinClient) -> None:
    client.set_credential("a/b ?ü", "ann", "one")
    client.delete_credential("a/b ?ü")
    assert client.list_credentials() == []


def test_deleting_what_is_not_there_is_an_error(client: ZeppelinClient) -> None:
    with pytest.raises(NotFoundError, match="no credential for 'db' is stored"):
        client.delete_credential("db")


def test_an_empty_entity_deletes_nothing(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    client.set_credential("db", "ann", "one")
    with pytest.raises(NotFoundError):
        client.delete_credential("")
    assert fake.asked("DELETE") == []


def test_an_entry_with_an_empty_field_is_refused(client: ZeppelinClient) -> None:
    with pytest.raises(ServerError) as caught:
        client.set_credential("db", "ann", "")
    assert caught.value.status == 400


def test_a_password_is_not_shown_by_repr() -> None:
    assert "hush" not in repr(Credential("db", "ann", "hush"))


def test_a_password_is_not_in_the_error_of_a_call_that_failed(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("PUT", fake.failed("IOException", "disk full"))
    with pytest.raises(ServerError) as caught:
        client.set_credential("db", "ann", "hush")
    error = caught.value
    assert "hush" not in f"{error!r} {error} {error.request} {error.detail} {error.next_step}"
