"""The real, unmodified microgear-python 1.2.7 against the emulator and our cache, both ways."""

import json

import pytest

from netpie_creds import (
    AuthServer,
    Credentials,
    cache_path,
    get_credentials,
    mqtt_login,
    read_cache,
    write_cache,
)
from netpie_emulator import Status

pytestmark = pytest.mark.integration


@pytest.fixture
def neighbour(application, emulator, tmp_path, our_client):
    """A connected thing of ours in the same application."""
    return our_client(get_credentials(application, tmp_path / "ours", AuthServer(emulator.auth_url)))


def test_microgear_gets_a_token_and_hears_what_it_publishes(start_microgear):
    microgear = start_microgear()
    assert len(microgear.ask("token")[0]) == 16
    microgear.connect()
    microgear.order("subscribe", "/room")
    microgear.order("publish", "/room", "20.5")
    assert microgear.wait("message") == ["/MyApp/room", "b'20.5'"]


def test_messages_pass_between_microgear_and_our_client(start_microgear, neighbour, emulator):
    microgear = start_microgear()
    microgear.order("token")
    microgear.connect()
    microgear.order("subscribe", "/from/us")
    neighbour.subscribe("/MyApp/from/microgear")
    microgear.order("publish", "/from/microgear", "hello")
    assert neighbour.message() == ("/MyApp/from/microgear", b"hello")
    neighbour.publish("/MyApp/from/us", "hello too")
    assert microgear.wait("message") == ["/MyApp/from/us", "b'hello too'"]
    assert emulator.published() == 2


def test_retained_message_of_microgear_greets_a_later_subscriber(start_microgear, neighbour):
    microgear = start_microgear()
    microgear.order("token")
    microgear.connect()
    microgear.order("subscribe", "/ready")
    microgear.order("publish", "/kept", "last", {"retain": True})
    microgear.order("publish", "/ready", "")
    microgear.wait("message")
    neighbour.subscribe("/MyApp/kept")
    assert neighbour.message() == ("/MyApp/kept", b"last")


def test_cache_of_microgear_serves_us(start_microgear, application, folder, our_client):
    microgear = start_microgear()
    token = microgear.ask("token")[0]
    kept = read_cache(folder, application.appkey)
    assert kept.token == token
    assert our_client(Credentials(application, kept)).connected


def test_our_cache_is_byte_for_byte_the_one_that_microgear_wrote(start_microgear, application, folder, tmp_path):
    start_microgear().order("token")
    written = cache_path(folder, application.appkey).read_bytes()
    kept = read_cache(folder, application.appkey)
    assert write_cache(tmp_path / "again", application.appkey, kept).read_bytes() == written


def test_our_cache_serves_microgear(start_microgear, application, emulator, folder):
    ours = get_credentials(application, folder, AuthServer(emulator.auth_url))
    before = cache_path(folder, application.appkey).read_bytes()
    microgear = start_microgear()
    assert microgear.ask("token") == [ours.token.token]
    microgear.connect()
    microgear.order("subscribe", "/t")
    microgear.order("publish", "/t", "works")
    assert microgear.wait("message")[1] == "b'works'"
    assert cache_path(folder, application.appkey).read_bytes() == before


def test_login_is_the_one_that_the_document_prints(start_microgear, application, emulator, folder):
    ours = get_credentials(application, folder, AuthServer(emulator.auth_url))
    microgear = start_microgear()
    microgear.order("token")
    login = mqtt_login(ours, at=1540780416)
    assert microgear.ask("login", 1540780416) == [
        login.host,
        str(login.port),
        login.client_id,
        login.username,
        login.password,
    ]


def test_microgear_sees_others_come_and_go(start_microgear, application, emulator, tmp_path, our_client):
    microgear = start_microgear()
    microgear.order("token")
    microgear.connect()
    microgear.order("subscribe", "/ready")
    microgear.order("publish", "/ready", "")
    microgear.wait("message")
    guest = our_client(get_credentials(application, tmp_path / "guest", AuthServer(emulator.auth_url), alias="guest"))
    present = json.loads(microgear.wait("present")[0][2:-1])
    assert (present["gearkey"], present["alias"]) == (application.appkey, "guest")
    guest.close()
    assert json.loads(microgear.wait("absent")[0][2:-1])["alias"] == "guest"


def test_we_see_microgear_come_and_its_process_die(start_microgear, neighbour):
    neighbour.subscribe("/MyApp/&present")
    neighbour.subscribe("/MyApp/&absent")
    microgear = start_microgear()
    microgear.order("token")
    microgear.connect()
    assert neighbour.message()[0] == "/MyApp/&present"
    microgear.stop()
    assert neighbour.message()[0] == "/MyApp/&absent"


def test_chat_reaches_microgear_by_alias_and_by_name(start_microgear, neighbour):
    microgear = start_microgear()
    microgear.order("token")
    microgear.connect()
    microgear.order("setalias", "lamp")
    microgear.order("setname", "bulb")
    microgear.order("subscribe", "/ready")
    microgear.order("publish", "/ready", "")
    microgear.wait("message")
    for name in ("lamp", "bulb"):
        neighbour.publish(f"/MyApp/gearname/{name}", "on")
        assert microgear.wait("message") == [f"/MyApp/gearname/{name}", "b'on'"]


def test_microgear_is_told_of_a_wrong_secret(start_microgear):
    microgear = start_microgear(appsecret="wrong")
    microgear._say(["token"])
    assert "not issued" in microgear.wait("error")[0]
    assert microgear.wait("token") == [""]


def test_microgear_is_told_that_its_token_is_invalid(start_microgear, application, emulator, folder):
    ours = get_credentials(application, folder, AuthServer(emulator.auth_url))
    emulator.store.revoke(ours.token.token)
    microgear = start_microgear()
    microgear.order("token")
    microgear._say(["connect"])
    assert microgear.wait("info") == ["Invalid credential."]


def test_microgear_is_told_that_its_key_is_disabled(start_microgear, application, emulator):
    microgear = start_microgear()
    microgear.order("token")
    emulator.store.set_status(application.appkey, Status.DISABLED)
    microgear._say(["connect"])
    assert microgear.wait("warning") == ["Not authorised."]
