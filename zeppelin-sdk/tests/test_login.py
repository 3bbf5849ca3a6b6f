from collections.abc import Iterator

import pytest

from zeppelin_sdk import LoginError, LoginRequiredError, NotZeppelinError, PermissionDeniedError, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, html, refused


@pytest.fixture(params=["0.8", "0.10", "0.12"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeZeppelin]:
    with FakeZeppelin(request.param, users={"ann": "secret"}) as server:
        yield server


@pytest.fixture
def ann(fake: FakeZeppelin) -> Iterator[ZeppelinClient]:
    with ZeppelinClient(fake.url, user="ann", password="secret") as client:
        yield client


def test_a_client_with_a_user_logs_in_once_before_its_first_call(ann: ZeppelinClient, fake: FakeZeppelin) -> None:
    ann.list_notes()
    ann.list_notes()
    assert len(fake.asked("POST", "login")) == 1


def test_the_version_needs_no_login(ann: ZeppelinClient, fake: FakeZeppelin) -> None:
    ann.get_version()
    assert fake.asked("POST") == []


def test_a_login_can_be_made_by_hand(client: ZeppelinClient) -> None:
    client.login("ann", "secret")
    assert client.get_ticket().principal == "ann"


def test_without_a_user_the_server_asks_for_a_login(client: ZeppelinClient) -> None:
    with pytest.raises(LoginRequiredError, match="wants a login"):
        client.list_notes()


def test_a_wrong_password_is_refused_and_not_shown(fake: FakeZeppelin) -> None:
    with (
        ZeppelinClient(fake.url, user="ann", password="wrong!") as client,
        pytest.raises(LoginError) as caught,
    ):
        client.list_notes()
    assert caught.value.message == f"{fake.url} refused the login of 'ann'"
    assert "wrong!" not in f"{caught.value!r} {caught.value.__cause__!r} {client!r} {vars(caught.value)}"


def test_an_expired_session_is_renewed_and_the_refused_call_repeated(ann: ZeppelinClient, fake: FakeZeppelin) -> None:
    ann.list_notes()
    fake.expire_sessions()
    note_id = ann.create_note("/a")
    assert list(fake.notes) == [note_id]
    assert len(fake.asked("POST", "login")) == 2


def test_a_session_that_is_refused_again_at_once_is_an_error(ann: ZeppelinClient, fake: FakeZeppelin) -> None:
    ann.list_notes()
    fake.fail_next("GET", refused(401, "UNAUTHORIZED"))
    fake.fail_next("POST", html(403, "no"))
    with pytest.raises(LoginError):
        ann.list_notes()


def test_a_call_that_stays_refused_after_a_fresh_login_is_a_matter_of_permission(
    ann: ZeppelinClient, fake: FakeZeppelin
) -> None:
    ann.list_notes()
    fake.fail_next("GET", *[refused(401, "UNAUTHORIZED") for _ in range(3)])
    with pytest.raises(PermissionDeniedError, match="does not allow 'ann' to do this"):
        ann.list_interpreter_settings()


def test_a_password_goes_to_a_zeppelin_only(ann: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", html(200, "Welcome"))
    with pytest.raises(NotZeppelinError):
        ann.list_notes()
    assert fake.asked("POST") == []


def test_a_server_that_asks_for_a_login_to_tell_its_version_still_gets_one(
    ann: ZeppelinClient, fake: FakeZeppelin
) -> None:
    fake.fail_next("GET", html(302, "", {"Location": f"{fake.url}/api/login"}))
    assert ann.list_notes() == []


@pytest.mark.parametrize("generation", ["0.8", "0.10", "0.12"])
def test_a_user_on_a_server_without_users_is_a_login_error(generation: str) -> None:
    with (
        FakeZeppelin(generation) as anonymous,
        ZeppelinClient(anonymous.url, user="ann", password="secret") as client,
        pytest.raises(LoginError, match="takes no logins"),
    ):
        client.list_notes()
