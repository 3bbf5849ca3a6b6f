"""NETPIE 2020's REST, with requests."""

import socket

import pytest
import requests

from netpie_emulator.netpie2020.quota import FREE


def test_status_says_whether_the_device_is_connected(api, connect, one):
    assert api(one)("GET", "/status").json() == {
        "deviceid": one.client_id, "alias": "one", "groupid": "G0", "projectid": "P0",
        "status": 0, "enabled": True, "banned": False,
    }  # fmt: skip
    connect(one)
    assert api(one)("GET", "/status").json()["status"] == 1


@pytest.mark.parametrize(("path", "query"), [("/message/room/1", {}), ("/message", {"topic": "room/1"})])
def test_message_reaches_the_group(api, connect, one, two, path, query):
    listener = connect(two)
    listener.subscribe("@msg/#")
    assert api(one)("PUT", path, "20.5", params=query).status_code == 200
    assert listener.message() == ("@msg/room/1", "20.5")


@pytest.mark.parametrize("path", ["/message", "/message/a/%23", "/message/%2B"])
def test_message_without_a_topic_or_with_a_wildcard_is_refused(api, one, path):
    assert api(one)("PUT", path, "x").status_code == 400


def test_push_is_taken(api, one):
    assert api(one)("PUT", "/push", {"title": "t", "body": "b"}).status_code == 200


def test_put_merges_and_post_overwrites(api, one):
    call = api(one)
    assert call("PUT", "/shadow/data", {"data": {"a": 1, "b": 2}}).json()["rev"] == 1
    assert call("PUT", "/shadow/data", {"data": {"b": 3}}).json()["data"] == {"a": 1, "b": 3}
    assert call("POST", "/shadow/data", {"data": {"c": 4}}).json()["data"] == {"c": 4}
    answer = call("GET", "/shadow/data").json()
    assert (answer["deviceid"], answer["data"], answer["rev"]) == (one.client_id, {"c": 4}, 3)


def test_alias_is_another_device_of_the_group(api, one, two, stranger):
    call = api(one)
    call("PUT", "/shadow/data", {"data": {"a": 1}}, params={"alias": "two"})
    assert api(two)("GET", "/shadow/data").json()["data"] == {"a": 1}
    assert call("GET", "/shadow/data", params={"alias": "two"}).json()["deviceid"] == two.client_id
    assert call("GET", "/shadow/data", params={"alias": stranger.alias}).status_code == 404


def test_batch_and_its_refusal(api, one):
    entries = [{"data": {"t": number}, "ts": number - 1000} for number in range(102)]
    refused = api(one)("PUT", "/shadow/batch", {"ackid": 140, "batch": entries})
    assert refused.status_code == 429
    assert refused.json() == {"ackid": 140, "errcode": 429, "message": "batch size exceeds 100", "inputsize": 102}
    answer = api(one)("POST", "/shadow/batch", {"ackid": "x", "batch": entries[:100]}).json()
    assert (answer["ackid"], answer["total"], answer["maxts"] - answer["mints"]) == ("x", 100, 99)
    assert api(one)("GET", "/shadow/data").json()["data"] == {"t": 99}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"data": 1}', '{"batch": []}'])
def test_what_is_no_write_is_refused(api, one, content):
    assert api(one)("PUT", "/shadow/data", content).status_code == 400
    assert api(one)("GET", "/shadow/data").json()["rev"] == 0


@pytest.mark.parametrize("scheme", ["Device {0}:wrong", "Device {0}", "Device nobody:{1}", "Bearer {1}", "{0}:{1}", ""])
def test_wrong_authorization_is_401(emulator, one, scheme):
    headers = {"Authorization": scheme.format(one.client_id, one.token)}
    answer = requests.get(emulator.api_url + "/status", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert one.token not in answer.text


@pytest.mark.parametrize("fault", [{"enabled": False}, {"banned": True}])
def test_disabled_or_banned_device_is_403_but_for_its_status(api, one, fault):
    for name, value in fault.items():
        setattr(one, name, value)
    assert fault.items() <= api(one)("GET", "/status").json().items()
    assert api(one)("GET", "/shadow/data").status_code == 403
    assert api(one)("PUT", "/message/t", "x").status_code == 403


def test_basic_authorization_is_client_id_and_token_too(api, emulator, one):
    answer = requests.get(emulator.api_url + "/status", auth=(one.client_id, one.token), timeout=60)
    assert answer.json() == api(one)("GET", "/status").json()
    assert requests.get(emulator.api_url + "/status", auth=(one.client_id, "wrong"), timeout=60).status_code == 401
    for broken in ("Basic !", "Basic /w==", "device"):
        headers = {"Authorization": broken}
        assert requests.get(emulator.api_url + "/status", headers=headers, timeout=60).status_code == 401


def test_page_in_a_browser_may_ask(api, emulator, one):
    asked = {"Origin": "http://page.example", "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    preflight = requests.options(emulator.api_url + "/shadow/data", headers=asked, timeout=60)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type"} <= set(
        preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    )
    for answer in (api(one)("GET", "/shadow/data"), api(one)("GET", "/nothing")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    own = requests.get(emulator.api_url.replace("/v2/device", "/emulator/pushes"), timeout=60)
    assert "Access-Control-Allow-Origin" not in own.headers


def test_body_may_come_in_chunks_and_a_path_end_in_a_slash(emulator, api, one):
    headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
    parts = iter([b'{"data": {"a"', b": 1}}"])
    answer = requests.put(emulator.api_url + "/shadow/data/", data=parts, headers=headers, timeout=60)
    assert answer.json()["data"] == {"a": 1}
    for broken in (b"zz\r\n{}\r\n0\r\n\r\n", b""):
        with socket.create_connection((emulator.mqtt_host, int(emulator.api_url.split(":")[2].split("/")[0]))) as link:
            lines = [b"PUT /v2/device/shadow/data HTTP/1.1", b"Transfer-Encoding: chunked", b"Connection: close"]
            who = b"Authorization: " + headers["Authorization"].encode()
            link.sendall(b"\r\n".join([*lines, who, b"", broken]))
            link.shutdown(socket.SHUT_WR)
            assert b" 400 " in link.recv(4096)


def test_answers_have_what_the_documents_name(api, one):
    call = api(one)
    sent = call("PUT", "/message/t", "x").json()
    assert (sent["status"], sent["message"]) == (200, "ok")
    written = call("PUT", "/shadow/data?alias=", {"data": {"a": 1}}).json()
    read = call("GET", "/shadow/data").json()
    assert (written["status"], written["data"], read["status"], read["data"]) == (200, {"a": 1}, 200, {"a": 1})
    batch = call("PUT", "/shadow/batch", {"batch": [{"data": {"a": 2}, "timestamp": 0}]}).json()
    assert (batch["deviceid"], batch["response"]["total"]) == (one.client_id, 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("POST", "/status"), ("GET", "/message/t"), ("DELETE", "/shadow/data"), ("GET", "/")],
)
def test_unknown_call_is_404(api, one, method, path):
    assert api(one)(method, path).status_code == 404


def test_usage_is_told(emulator, api, one):
    api(one)("PUT", "/shadow/data", {"data": {"a": 1}})
    used = requests.get(emulator.api_url.replace("/v2/device", "/emulator/usage"), timeout=60).json()
    assert used == {"messages": 0, "shadow": 1, "points": 1, "api": 1, "triggers": 0}
    assert set(used) == set(FREE)
