"""Triggers and the hooks that they call, push notifications, and what a schema keeps and transforms."""

import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from netpie_emulator.errors import EmulatorError
from netpie_emulator.netpie2020 import Account, Emulator2020, Quota
from netpie_emulator.netpie2020.devices import DevicesError, account_in, new_device, read_account
from netpie_emulator.netpie2020.quota import FREE, quota_of

WARMER = {
    "action": "NOTIFY",
    "event": "SHADOW.UPDATED",
    "condition": "$NEW.room.temp > $PREV.room.temp",
    "msg": "{{$DEVICEID}} of {{$ALIAS}}: from {{$PREV.room.temp}} to {{$NEW.room.temp}}, {{$CUR.room}}",
    "option": {"token": "line-token"},
}


@pytest.fixture
def webhook():
    """A web server's address and the requests that it got."""
    got = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.put((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()


def own(emulator, what):
    return requests.get(emulator.api_url.replace("/v2/device", f"/emulator/{what}"), timeout=60).json()


def test_condition_that_holds_calls_the_hook_with_its_values(account, api, emulator, one, webhook):
    url, got = webhook
    account.hooks["NOTIFY"] = {
        "method": "POST", "uri": f"{url}/notify?from=netpie", "body": "message={{msg}}",
        "header": {"Authorization": "Bearer {{option.token}}"},
    }  # fmt: skip
    one.triggers = [WARMER]
    for temperature in (20, 21, 19):
        api(one)("PUT", "/shadow/data", {"data": {"room": {"temp": temperature}}})
    said = f"{one.client_id} of one: from 20 to 21, " + '{"temp":21}'
    assert got.get(timeout=60) == ("/notify?from=netpie", "Bearer line-token", f"message={said}")
    assert [(action["msg"], action["sent"]) for action in own(emulator, "actions")] == [(said, True)]
    assert emulator.used()["triggers"] == 1


def test_hook_elsewhere_is_noted_and_not_called(account, api, emulator, one):
    account.hooks["NOTIFY"] = {"uri": "https://notify.example.com/"}
    one.triggers = [{**WARMER, "condition": "$NEW.t == 1"}, {**WARMER, "action": "unknown", "condition": "$NEW.t"}]
    api(one)("PUT", "/shadow/data", {"data": {"t": 1}})
    assert [(action["action"], action["sent"]) for action in own(emulator, "actions")] == [
        ("NOTIFY", False), ("unknown", False),
    ]  # fmt: skip


def test_hook_that_does_not_answer_costs_nothing(account, api, emulator, one):
    account.hooks["NOTIFY"] = {"uri": "http://127.0.0.1:1/"}
    one.triggers = [{**WARMER, "condition": "true"}]
    assert api(one)("PUT", "/shadow/data", {"data": {"t": 1}}).status_code == 200
    assert len(own(emulator, "actions")) == 1


@pytest.mark.parametrize(
    "trigger",
    [
        {"event": "SHADOW.UPDATED", "action": "A"},
        {"event": "SHADOW.UPDATED", "condition": "$NEW.t > (", "action": "A"},
        {"event": "SHADOW.UPDATED", "condition": "$NEW.nothing > 1", "action": "A"},
        {"event": "DEVICE.STATUSCHANGED", "action": "A"},
        {"action": "A"},
    ],
)
def test_trigger_without_its_event_or_a_condition_that_holds_does_nothing(api, emulator, one, trigger):
    one.triggers = [trigger]
    api(one)("PUT", "/shadow/data", {"data": {"t": 1}})
    assert own(emulator, "actions") == []
    assert emulator.used()["triggers"] == 0


def test_coming_and_going_needs_no_condition(connect, emulator, one):
    one.triggers = [{"action": "A", "event": "DEVICE.STATUSCHANGED", "msg": "{{$OLD.STATUS}}{{$NEW.STATUSTEXT}}"}]
    connect(one).close()
    deadline = time.monotonic() + 30
    while len(own(emulator, "actions")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [action["msg"] for action in own(emulator, "actions")] == ["0online", "1offline"]


def test_used_up_quota_of_triggers_does_nothing_more(account, one):
    with Emulator2020(account, quota=quota_of(["triggers=1"])) as emulator:
        one.triggers = ["SHADOW.UPDATED"]
        headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
        for value in (1, 2):
            url = f"{emulator.api_url}/shadow/data"
            requests.put(url, json={"data": {"t": value}}, headers=headers, timeout=60)
        assert len(own(emulator, "actions")) == 1


def test_notifications_are_kept(api, connect, emulator, one, two):
    connect(one).publish("@push", {"title": "t", "subtitle": "s", "body": "b"})
    api(two)("PUT", "/push", "just text")
    assert own(emulator, "pushes") == [
        {"deviceid": one.client_id, "title": "t", "subtitle": "s", "body": "b"},
        {"deviceid": two.client_id, "body": "just text"},
    ]


FAHRENHEIT = {
    "additionalProperties": True,
    "properties": {
        "temp": {
            "type": "number",
            "operation": {"store": {"ttl": "30d"}, "transform": {"expression": "($.temp * 1.8) + 32"}},
        },
        "place": {"type": "string"},
        "brief": {"operation": {"store": {"ttl": "1"}}},
    },
}


def points(emulator, device, **metric):
    asked = {"start_absolute": 0, "metrics": [{"name": device.client_id, **metric}]}
    headers = {"Authorization": f"Device {device.client_id}:{device.token}"}
    answer = requests.post(emulator.query_url, json=asked, headers=headers, timeout=60).json()
    return {value for result in answer["queries"][0]["results"] for _, value in result["values"]}


def test_schema_transforms_stores_what_has_a_ttl_and_counts_expressions(api, emulator, one):
    one.schema = FAHRENHEIT
    answer = api(one)("PUT", "/shadow/data", {"data": {"temp": "20", "place": "x", "brief": 1, "free": 7}}).json()
    assert answer["data"] == {"temp": 68.0, "place": "x", "brief": 1, "free": 7}
    time.sleep(0.05)
    assert points(emulator, one) == {68.0, 7}
    assert emulator.used()["shadow"] == 2
    assert emulator.used()["points"] == pytest.approx(2)


def test_field_whose_expression_has_no_value_is_dropped_and_null_deletes(api, one):
    one.schema = {"properties": {"sum": {"operation": {"transform": {"expression": "$.sum + $.other"}}}}}
    call = api(one)
    assert call("PUT", "/shadow/data", {"data": {"sum": 1, "other": 2}}).json()["data"] == {"sum": 3, "other": 2}
    assert call("PUT", "/shadow/data", {"data": {"sum": 9}}).json()["data"] == {"sum": 3, "other": 2}
    assert call("PUT", "/shadow/data", {"data": {"sum": None}}).json()["data"] == {"other": 2}


def test_points_are_a_month_s_quota_by_the_time_that_they_are_kept(api, emulator, one):
    one.schema = {"properties": {"t": {"operation": {"store": {"ttl": "7d"}}}}}
    for value in range(3):
        api(one)("PUT", "/shadow/data", {"data": {"t": value}})
    assert emulator.used()["points"] == pytest.approx(3 * 7 / 30)


@pytest.mark.parametrize(("setting", "told"), [("devices=3", "4 devices"), ("projects=0", "1 projects")])
def test_account_of_more_than_its_quota_is_refused(account, setting, told):
    with pytest.raises(EmulatorError, match=told):
        Emulator2020(account, quota=quota_of([setting]))


def test_account_of_any_size_is_taken_unless_a_limit_is_asked_for():
    made = Account()
    for _ in range(30):
        made.add(new_device())
    Emulator2020(made, quota=Quota(dict(FREE)))


def test_hooks_are_in_the_file_of_devices(tmp_path):
    made = account_in(tmp_path / "d.json", 1)
    text = (tmp_path / "d.json").read_text()
    (tmp_path / "d.json").write_text(text.replace('"hooks": {}', '"hooks": {"A": {"uri": "http://127.0.0.1/"}}'))
    assert read_account(tmp_path / "d.json").hooks == {"A": {"uri": "http://127.0.0.1/"}}
    assert made.hooks == {}
    (tmp_path / "d.json").write_text(text.replace('"hooks": {}', '"hooks": {"A": {}}'))
    with pytest.raises(DevicesError, match="hooks"):
        read_account(tmp_path / "d.json")
