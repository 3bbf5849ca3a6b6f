"""Whose events: a device or a FlowChannel, how it is named and kept, what a note of it is given."""

import json
import stat
from dataclasses import replace
from threading import Event, Thread

import pytest

from netpie_emulator.netpie2020 import Emulator2020
from netpie_emulator.netpie2020.devices import new_device
from provision.bundles.bundle import load_bundle
from provision.bundles.render import render
from provision.errors import ConflictError, RefusedError, UnreachableError, UsageError
from provision.events.listen import Arrived, Listener
from provision.platforms import chosen_platform, named_platform
from provision.platforms.netpie2020 import PLATFORM
from provision.platforms.netpie2020.api import Api
from provision.platforms.platform import Given, Seeking
from provision.prepare import check_spec, note_spec
from provision.publisher import Publisher
from zeppelin_sdk import ServerVersion

KEY = "FWAG0123456789:" + "f" * 32


@pytest.fixture
def servers(emulator):
    broker = f"tcp://127.0.0.1:{emulator.mqtt_port}"
    return {"api": emulator.api_url, "data_store": emulator.query_url, "netpie_broker": broker}


@pytest.fixture
def given(devices, servers, tmp_path):
    """The first device, named as a person does."""
    file = tmp_path / "device.env"
    one = devices[0]
    file.write_text(f"client_id={one.client_id}\ntoken={one.token}\nsecret={one.secret}\n")
    return Given(servers, file, folder=tmp_path / "kept", env={})


@pytest.fixture
def of_class(devices, servers, tmp_path):
    """A FlowChannel and all devices."""
    (tmp_path / "devices.csv").write_text(
        "name;client_id;token\r\n" + "".join(f"x;{one.client_id};{one.token}\r\n" for one in devices)
    )
    (tmp_path / "flow.env").write_text(f"flowchannel={KEY}\ndevices=devices.csv\n")
    return Given(servers, tmp_path / "flow.env", folder=tmp_path / "kept", env={})


def rendered(account, bundle="streaming", *pairs):
    jars = [] if bundle == "structured" else ["mqtt_jars=/paho.jar"]
    spec = note_spec(load_bundle(bundle), [*jars, *pairs], account.place)
    check_spec(spec)
    connection = account.client().connection(spec.values, spec.path)
    return render(spec.bundle, spec.values, connection, zeppelin=ServerVersion(0, 10), scala="2.12", path=spec.path)


def test_device_is_kept_for_its_owner_only_and_known_again(given, devices, tmp_path):
    account = PLATFORM.account(given)
    client = account.client()
    kept = tmp_path / "kept" / f"{devices[0].client_id}.json"
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)
    assert client.devices[0].scope == "P0/G0"
    again = PLATFORM.account(Given({"client_id": devices[0].client_id}, folder=tmp_path / "kept", env={}))
    assert again.devices == client.devices
    assert again.forget()
    assert not again.forget()
    with pytest.raises(UsageError, match="no token"):
        PLATFORM.account(Given({"client_id": devices[0].client_id}, folder=tmp_path / "kept", env={}))


def test_note_connects_as_the_device_and_holds_no_secret(given, devices):
    note = rendered(PLATFORM.account(given), "streaming", "topic=metrics,@shadow/data/updated")
    text = "\n".join(paragraph.text for paragraph in note.paragraphs)
    assert 'topics=Seq("@msg/metrics", "@shadow/data/updated")' in text
    assert f'clientId="{devices[0].client_id}"' in text
    assert "NetpieMqtt.fixed(" in text
    assert devices[0].token not in text + note.path
    assert devices[0].secret not in text
    assert set(note.secrets) >= {devices[0].token, devices[0].secret}


def test_classic_bundle_takes_a_device_too(given, devices):
    note = rendered(PLATFORM.account(given), "classic")
    text = "\n".join(paragraph.text for paragraph in note.paragraphs)
    assert 'topic="@msg/metrics"' in text
    assert devices[0].token not in text


def test_flowchannel_s_note_reads_its_topics_from_the_store(of_class, devices):
    account = PLATFORM.account(of_class)
    note = rendered(account, "streaming", "topic=metrics,@shadow/data/updated")
    text = "\n".join(paragraph.text for paragraph in note.paragraphs) + note.path + json.dumps(note.site)
    assert '-topics").getPassword' in text
    assert '.split("\\n").toSeq' in text
    for secret in (*(one.token for one in devices), "f" * 32):
        assert secret not in text
        assert secret in note.secrets
    taps = next(pair[1] for entity, pair in note.credentials.items() if entity.endswith("-topics")).split("\n")
    assert taps == [
        f"@tap/msg/topic/{devices[0].tap}/metrics",
        f"@tap/msg/topic/{devices[3].tap}/metrics",
        *(f"@tap/shadow/updated/{one.tap}" for one in devices),
    ]
    again = PLATFORM.account(Given({"client_id": "FWAG0123456789"}, folder=account.folder, env={}))
    assert again.flowchannel == account.flowchannel


def test_flowchannel_s_note_in_python_names_no_topic_in_errors(of_class, given, devices):
    note = rendered(PLATFORM.account(of_class), "structured", "topic=metrics,@shadow/data/updated")
    text = "\n".join(paragraph.text for paragraph in note.paragraphs)
    assert '"showTopics": "false"' in text
    assert not [one.token for one in devices if one.token in text]
    assert PLATFORM.place(of_class).parameters["show_topics"] == "no"
    own = rendered(PLATFORM.account(given), "structured")
    assert "showTopics" not in "\n".join(paragraph.text for paragraph in own.paragraphs)


@pytest.mark.parametrize(
    ("bundle", "pairs", "told"),
    [
        ("streaming", ["secrets=inline"], "secrets=inline"),
        ("classic", [], "bundle classic does not take"),
        ("streaming", ["topic=@private/#"], "only the device itself"),
        ("streaming", ["receivers=2"], "receivers=2"),
    ],
)
def test_what_a_flowchannel_can_t_do_is_told(of_class, bundle, pairs, told):
    with pytest.raises(UsageError, match=told):
        rendered(PLATFORM.account(of_class), bundle, *pairs)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (["receivers=2"], "a device connects once"),
        (["topic=/metrics"], "starts with /"),
        (["topic=@feed/data/updated"], "only a FlowChannel"),
        (["broker_login=none"], "it follows from the credentials"),
        (["broker=tcp://h:1", "broker_ca=/ca.pem"], "broker_ca is for TLS"),
    ],
)
def test_what_a_device_can_t_do_is_told_before_anybody_is_asked(given, pairs, told):
    with pytest.raises(UsageError, match=told):
        check_spec(note_spec(load_bundle("streaming"), ["mqtt_jars=/paho.jar", *pairs], PLATFORM.account(given).place))


@pytest.mark.parametrize(("fault", "told"), [({"enabled": False}, "disabled"), ({"token": "changed"}, "token")])
def test_refused_device_is_told_and_nothing_kept(given, account, tmp_path, fault, told):
    for name, value in fault.items():
        setattr(next(iter(account.devices.values())), name, value)
    with pytest.raises(RefusedError, match=told):
        PLATFORM.account(given).client()
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("values", "env", "told"),
    [
        ({}, {}, "no client id"),
        ({"client_id": "a"}, {}, "no token"),
        ({"client_id": "a"}, {"NETPIE_TOKEN": "t"}, "no secret"),
        ({}, {"NETPIE_FLOWCHANNEL": KEY}, "without devices"),
        ({"devices": "/nowhere.csv"}, {}, "no FlowChannel's key"),
        ({"devices": "/nowhere.csv"}, {"NETPIE_FLOWCHANNEL": KEY}, "/nowhere.csv"),
    ],
)
def test_what_is_missing_is_told(values, env, told, tmp_path):
    with pytest.raises(UsageError, match=told) as error:
        PLATFORM.account(Given(values, folder=tmp_path, env=env))
    assert error.value.exit_code == 2
    assert "f" * 32 not in str(error.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no device"),
        ("client_id,token\n", "no device"),
        ("id,token\na,hunter2\n", "no columns"),
        ("client_id,token\na,hunter2\na,hunter2\n", "line 3: device a stands there twice"),
        ("client_id,token\na,hunt er2\n", "line 2: device a: its token has a space"),
    ],
)
def test_file_of_devices_that_is_none_is_told_and_not_quoted(content, told, tmp_path):
    (tmp_path / "d.csv").write_text(content)
    with pytest.raises(UsageError, match=told) as error:
        PLATFORM.account(Given({"devices": str(tmp_path / "d.csv")}, env={"NETPIE_FLOWCHANNEL": KEY}))
    assert "hunter2" not in error.value.message


def test_plan_needs_no_token(tmp_path, servers):
    account = PLATFORM.account(Given({"client_id": "a"}, folder=tmp_path, env={}), Seeking(planning=True))
    assert account.planned("").broker_url == "ssl://mqtt.netpie.io:1884"


def test_platform_follows_from_what_is_given(given, of_class):
    for each in (given, of_class, Given({"client_id": "a"}, env={})):
        assert chosen_platform(each).name == "netpie2020"
    assert chosen_platform(Given(env={"NETPIE_CLIENT_ID": "a"})).name == "netpie2020"
    assert chosen_platform(Given(env={})).name == "netpie2015"
    assert named_platform("netpie2020") is PLATFORM


def test_other_port_is_taken_where_the_first_does_not_answer(given, servers):
    account = PLATFORM.account(given)
    assert account.client().reachable("x").broker_url == servers["netpie_broker"]
    closed = PLATFORM.account(Given({**servers, "netpie_broker": "tcp://127.0.0.1:1"}, given.credentials_file, env={}))
    with pytest.raises(UnreachableError, match="127.0.0.1:1.*refused"):
        closed.planned("").reachable("nothing was written")


def test_second_port_of_netpie_s_broker_is_taken_by_note_and_listener(given, of_class, servers, monkeypatch):
    monkeypatch.setattr(
        "provision.platforms.netpie2020.account.BROKERS", ("tcp://127.0.0.1:1", servers["netpie_broker"])
    )
    for each in (given, of_class):
        account = PLATFORM.account(replace(each, values={**servers, "netpie_broker": ""}))
        assert account.client().broker_url == "tcp://127.0.0.1:1"
        assert account.client().reachable("x").broker_url == servers["netpie_broker"]
        assert account.hearer("metrics").login().url == servers["netpie_broker"]


def shadow_points(emulator, client_id):
    asked = {"start_absolute": 0, "metrics": [{"name": client_id, "tags": {"attr": ["t"]}}]}
    results = emulator.platform.store.query(asked, 10**14)["queries"][0]["results"]
    return [list(point) for result in results for point in result["values"]]


@pytest.mark.parametrize(("topic", "calls"), [("@shadow/batch", 4), ("@shadow", 251)])
def test_publisher_writes_the_shadow_in_batches_or_one_by_one(given, emulator, devices, topic, calls):
    sender = PLATFORM.account(given).sender(topic)
    events = [json.dumps({"t": number, "timestamp": 1_700_000_000_000 + number}).encode() for number in range(250)]
    with Publisher(sender.login, sender.topic, link=sender.link) as publisher:
        publisher.publish(events)
        assert publisher.flush(60) == 0
        assert publisher.published == 250
    points = shadow_points(emulator, devices[0].client_id)
    assert points == [[1_700_000_000_000 + number, number] for number in range(250)]
    assert emulator.used()["messages"] == 0


def test_publisher_s_messages_reach_the_group_and_the_note_stays_connected(given, emulator):
    sender = PLATFORM.account(given).sender("metrics")
    with Publisher(sender.login, sender.topic, link=sender.link) as publisher:
        publisher.publish([b"20.5"] * 3)
        assert publisher.flush(60) == 0
    assert (publisher.published, emulator.used()["messages"]) == (3, 3)


def test_class_is_heard_with_a_client_id_of_ones_own_and_no_token_is_shown(of_class, devices, emulator):
    hearer = PLATFORM.account(of_class).hearer("@shadow/data/updated,metrics")
    tokens = {device.token for device in devices}
    messages = Listener(hearer.login, hearer.topics, shown=hearer.shown, say=print).messages(Event(), 60)
    told = Thread(target=lambda: heard.append(next(messages)))
    heard: list[Arrived] = []
    told.start()
    while told.is_alive():
        Api(devices[1], emulator.api_url, emulator.query_url).write_shadow({"t": 1.5})
        told.join(0.2)
    messages.close()

    assert heard[0].topic == "@shadow/data/updated"
    assert hearer.login().client_id != PLATFORM.account(of_class).client().login().client_id
    assert not [token for token in tokens if token in f"{hearer!r}{hearer.shown}"]


def test_device_that_is_connected_is_not_listened_with(given, emulator):
    account = PLATFORM.account(given)
    hearer = account.hearer("metrics")
    assert hearer.topics == ("@msg/metrics",)
    note = Listener(hearer.login, hearer.topics, say=print).messages(Event(), 60)
    started = Thread(target=lambda: next(note, None))
    started.start()
    while not account.api().status().online:
        started.join(0.2)
    with pytest.raises(ConflictError, match="is connected, as the note or as itself"):
        account.hearer("metrics")
    while started.is_alive():
        account.api().message("metrics", b"1")
        started.join(0.2)
    note.close()


def test_event_that_no_shadow_takes_ends_the_publisher(given):
    sender = PLATFORM.account(given).sender("@shadow")
    with Publisher(sender.login, sender.topic, link=sender.link) as publisher:
        publisher.publish([b"20.5"])
        with pytest.raises(UsageError, match="no JSON object"):
            publisher.flush(60)


def test_checks_tell_devices_broker_and_quota(given, account):
    told = {(finding.part, str(finding.level)): finding.message for finding in PLATFORM.checks(given)}
    assert "in group P0/G0, not connected" in told["device", "ok"]
    assert told["quota", "ok"] == "as messages, 10 devices, every 10 s: 5.2 M of 9 M messages a month"
    assert "2.6 M of 500,000 shadow operations a month: over" in told["quota", "warn"]
    next(iter(account.devices.values())).enabled = False
    assert ("device", "fail") in {(finding.part, str(finding.level)) for finding in PLATFORM.checks(given)}


def test_thirty_devices_are_told_as_thirty(account, tmp_path):
    for number in range(26):
        account.add(new_device(alias=f"d{number}"))
    with Emulator2020(account) as emulator:
        rows = "".join(f"{one.client_id},{one.token}\n" for one in account.devices.values())
        (tmp_path / "d.csv").write_text("client_id,token\n" + rows)
        values = {"api": emulator.api_url, "devices": str(tmp_path / "d.csv"), "netpie_broker": "tcp://127.0.0.1:1"}
        findings = list(PLATFORM.checks(Given(values, folder=tmp_path, env={"NETPIE_FLOWCHANNEL": KEY})))
    assert sum(finding.part == "device" for finding in findings) == 30
    assert any(
        "30 devices, every 10 s: 15.6 M of 9 M messages a month: over" in finding.message for finding in findings
    )


@pytest.mark.parametrize(
    ("topics", "rate", "told"),
    [
        ("metrics", "10/10s", [("this note at 10 devices, every 10 s: 5.2 M of 9 M messages a month", False)]),
        (
            "@shadow/data/updated",
            "10/10s",
            [
                ("this note at 10 devices, every 10 s: 5.2 M of 9 M messages a month", False),
                ("this note at 10 devices, every 10 s: 2.6 M of 500,000 shadow operations a month: over", True),
            ],
        ),
        ("metrics", "1/1s", [("this note at 1 device, every 1 s: 5.2 M of 9 M messages a month", False)]),
        ("metrics", "", [("this note at 10 devices, every 10 s: 5.2 M of 9 M messages a month", False)]),
    ],
)
def test_note_s_share_of_the_quota_is_forecast_by_its_topics(given, topics, rate, told):
    account = PLATFORM.account(Given({**given.values, "forecast": rate}, given.credentials_file, env={}))
    assert list(account.forecast(topics)) == told


def test_client_id_may_have_a_dot(tmp_path):
    account = PLATFORM.account(Given({"client_id": "a.b", "token": "t", "secret": "s"}, folder=tmp_path, env={}))
    connection = account.planned("").connection(load_bundle("streaming").values({"appid": "a"}), "note")
    assert connection.store[0].entity.startswith("netpie-a-b-")
