import pytest

from zeppelin_sdk import UnsupportedError, WaitTimeoutError, ZeppelinClient
from zeppelin_sdk.testing import VERSIONS, FakeZeppelin


def test_every_server_tells_whether_it_keeps_revisions(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    told = client.get_capabilities()
    assert (str(told.version), told.revisions) == (VERSIONS[fake.generation], True)
    assert bool(fake.sockets) is (fake.generation != "0.12")


@pytest.mark.parametrize("fake", ["0.10"], indirect=True)
def test_a_server_that_does_not_tell_is_an_error(fake: FakeZeppelin) -> None:
    fake.deaf_to = {"LIST_CONFIGURATIONS"}
    with ZeppelinClient(fake.url, timeout=0.1) as client, pytest.raises(WaitTimeoutError, match="within 0.1 s"):
        client.get_capabilities()


def test_settings_are_read_by_prefix_or_all(client: ZeppelinClient) -> None:
    assert client.get_configurations("zeppelin.server") == {"zeppelin.server.port": "8080"}
    assert len(client.get_configurations()) == 2


@pytest.mark.parametrize("fake", ["0.8"], indirect=True)
def test_what_a_server_lacks_names_the_version_that_has_it(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    note_id = client.create_note("/n")
    with pytest.raises(UnsupportedError, match="came with 0.9") as caught:
        client.rename_note(note_id, "/m")
    assert (caught.value.needs, caught.value.status) == ("0.9", 404)
    with pytest.raises(UnsupportedError, match="came with 0.9"):
        client.submit_note(note_id, params={"a": 1})
    assert fake.asked("POST", "job") == []
