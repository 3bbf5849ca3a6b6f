"""A note at a broker of one's own: its address, and what fits each other."""

import pytest

from netpie_creds import AccessToken, Application, Credentials
from provision.bundles.values.brokers import check_broker
from provision.errors import UsageError
from provision.platforms.netpie2015 import Netpie2015

from ..rendering import SECRETS, code, rendered

OWN = {"broker": "tcp://broker.example:1883", "broker_login": "none"}


@pytest.mark.parametrize("address", ["", "tcp://h:1", "ssl://broker.example:8883", "wss://h/mqtt", "tcp://[::1]:1883"])
def test_a_broker_s_address_is_returned_as_it_is(address: str) -> None:
    assert check_broker(address) == address


def test_netpie_s_broker_at_an_ipv6_address_is_in_brackets() -> None:
    token = AccessToken("token", "secret", "pie://[2001:db8::1]:1883", "")
    of_thing = Netpie2015.of(Credentials(Application("MyApp", "AppKey", "appsecret"), token), at=0)
    assert of_thing.broker_url == "tcp://[2001:db8::1]:1883"
    assert 'brokerUrl="tcp://[2001:db8::1]:1883"' in code(rendered("streaming", login=of_thing), "stream")


@pytest.mark.parametrize(
    "address",
    ["http://h:80", "tcp://", "tcp://:1883", "tcp://h:x", "tcp://h:0", "tcp://h h:1", "tcp://h\n"]
    + ["h", "h:x", ":1883", "h:0", "h:99999", "mqtt://", 'tcp://h"x:1', "tcp://h{x}:1", "tcp://h$x:1", "h h:1883"],
)
def test_what_is_no_broker_s_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of an MQTT broker"):
        check_broker(address)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("h:1883", "tcp://h:1883"),
        ("127.0.0.1:1883", "tcp://127.0.0.1:1883"),
        ("[::1]:1883", "tcp://[::1]:1883"),
        ("mqtt://broker.example", "tcp://broker.example"),
        ("MQTT://h:1883", "tcp://h:1883"),
        ("mqtts://h:8883", "ssl://h:8883"),
        ("tls://h:8883", "ssl://h:8883"),
    ],
)
def test_an_address_as_other_clients_write_it_becomes_paho_s(written: str, address: str) -> None:
    assert check_broker(written) == address


@pytest.mark.parametrize("address", ["user:word@h:1883", "mqtt://user:word@h:1883", "word@h:1"])
def test_a_password_is_refused_in_every_form_of_an_address(address: str) -> None:
    with pytest.raises(UsageError, match="is no address") as caught:
        check_broker(address)
    assert "word" not in caught.value.message.replace("a password", "")


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        check_broker("tcp://user:word@h:1883")
    assert "word" not in caught.value.message.replace("a password", "")


def test_a_note_at_a_broker_of_one_s_own_holds_nothing_of_the_thing() -> None:
    note = rendered("streaming", **OWN, receivers="4", secrets="inline")
    text = code(note, "stream")
    assert 'brokerUrl="tcp://broker.example:1883",' in text
    assert "receivers=4," in text
    assert 'sharing="shared",' in text
    assert not [secret for secret in SECRETS if secret in text]
    assert note.credentials == {}


def test_two_notes_have_two_client_ids_and_one_note_keeps_its_own() -> None:
    one, again, two = (code(rendered("streaming", path=path, **OWN), "stream") for path in ("a", "a", "b"))
    assert one == again != two


def test_netpie_over_tls_is_still_the_thing_s() -> None:
    text = code(rendered("streaming", broker="ssl://netpie.example:8883", broker_ca="/etc/ca.pem"), "stream")
    assert 'brokerUrl="ssl://netpie.example:8883",' in text
    assert 'caFile="/etc/ca.pem",' in text
    assert "NetpieMqtt.signed(" in text


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"receivers": "2"}, "a NETPIE thing connects once"),
        ({"receivers": "2", "broker": "tcp://h:1"}, "a NETPIE thing connects once"),
        ({"broker_login": "none"}, "NETPIE lets nobody in"),
        ({**OWN, "receivers": "3", "sharing": "topics", "topic": "a,b"}, "there are 2"),
        ({**OWN, "broker_ca": "/ca.pem"}, "broker_ca is for TLS"),
        ({"broker_ca": "/ca.pem"}, "broker_ca is for TLS"),
        ({"broker_ca": "ca.pem"}, "an absolute path of a file"),
        ({**OWN, "receivers": "65"}, "out of range"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_in_one_line(given: dict[str, str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        rendered("streaming", **given)
    assert len(caught.value.message.splitlines()) == 1


def test_as_many_receivers_as_topics_may_split_them() -> None:
    given = {**OWN, "receivers": "2", "sharing": "topics", "topic": "a,b", "topic_column": "yes"}
    text = code(rendered("streaming", **given), "stream")
    assert ".createTopicStream(" in text
    assert 'sharing="topics",' in text
