"""The emulator as a whole: restarts, ports, what it leaves behind, and as a process of its own."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

from netpie_creds import Application, AuthServer, get_credentials
from netpie_emulator import Emulator, PortError, StateError, registered_application


def test_tokens_survive_a_restart(tmp_path, connect):
    state = tmp_path / "netpie"
    with Emulator("MyApp", state=state) as first:
        app, port = first.application, first.mqtt_port
        application = Application(app.appid, app.appkey, app.appsecret)
        thing = get_credentials(application, tmp_path, AuthServer(first.auth_url))
    with Emulator("MyApp", state=state, mqtt_port=port) as second:
        assert second.application == app
        client = connect(thing)
        client.subscribe("/MyApp/t")
        client.publish("/MyApp/t", "back", qos=1)
        assert client.message() == ("/MyApp/t", "back")


def test_chosen_ports_are_used(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    with Emulator("MyApp", state=tmp_path / "s", http_port=ports[0], mqtt_port=ports[1]) as emulator:
        assert emulator.auth_url == f"http://127.0.0.1:{ports[0]}"
        assert emulator.mqtt_port == ports[1]


@pytest.mark.parametrize("which", ["http_port", "mqtt_port"])
def test_taken_port_is_named_and_nothing_is_left_running(tmp_path, which):
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        emulator = Emulator("MyApp", state=tmp_path / "s", **{which: port})
        with pytest.raises(PortError, match=str(port)):
            emulator.start()
        emulator.stop()
    assert set(threading.enumerate()) == before


def test_stopping_leaves_no_thread_and_no_port(tmp_path, caplog):
    before = set(threading.enumerate())
    emulator = Emulator("MyApp", state=tmp_path / "s")
    emulator.start()
    port = emulator.mqtt_port
    idle = socket.create_connection(("127.0.0.1", port))
    started = time.monotonic()
    emulator.stop()
    emulator.stop()
    idle.close()
    assert time.monotonic() - started < 5
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert caplog.text == ""


def test_only_loopback_is_listened_on(tmp_path):
    with Emulator("MyApp", state=tmp_path / "s") as emulator:
        assert emulator.mqtt_host == "127.0.0.1"
        assert emulator.auth_url.startswith("http://127.0.0.1:")


def test_state_is_for_its_owner_only(tmp_path):
    registered_application(tmp_path / "s", "MyApp")
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "s").iterdir()] == [0o600]


def test_application_is_the_same_each_time_unless_another_is_given(tmp_path):
    first = registered_application(tmp_path, "MyApp")
    assert registered_application(tmp_path, "MyApp") == first
    assert registered_application(tmp_path, "MyApp", first.appkey, "newsecret").appsecret == "newsecret"
    assert registered_application(tmp_path, "MyApp").appsecret == "newsecret"


@pytest.mark.parametrize("content", ["{", "[]", '{"applications": [{"appid": "hunter2"}]}'])
def test_state_that_is_none_is_named_and_not_quoted(tmp_path, content):
    (tmp_path / "netpie.json").write_text(content)
    with pytest.raises(StateError, match=r"netpie\.json") as error:
        Emulator("MyApp", state=tmp_path)
    assert "hunter2" not in error.value.message


def test_secrets_are_not_shown(tmp_path):
    assert "hunter2" not in repr(registered_application(tmp_path, "MyApp", "K", "hunter2"))


@pytest.fixture
def process(tmp_path):
    """`python -m netpie_emulator`, ready; ended with the test whatever happens."""
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "netpie_emulator", "--state", str(tmp_path / "s"), "--appid", "MyApp"]
    command += ["--appkey", "ProcKey", "--ready-file", str(ready)]
    env = {**os.environ, "NETPIE_APPSECRET": "ProcSecret"}
    running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(200):
            if ready.exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        yield running, ready
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_tells_its_addresses_and_stops_cleanly(process, tmp_path, connect, number):
    running, ready = process
    said = json.loads(ready.read_text())
    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    assert "ProcSecret" not in ready.read_text()
    assert (said["pid"], said["appid"], said["appkey"]) == (running.pid, "MyApp", "ProcKey")
    application = Application("MyApp", "ProcKey", "ProcSecret")
    thing = get_credentials(application, tmp_path / "cache", AuthServer(said["auth"]))
    assert thing.token.broker() == (said["mqtt"]["host"], said["mqtt"]["port"])
    connect(thing)
    running.send_signal(number)
    output, _ = running.communicate(timeout=60)
    assert (running.returncode, output) == (0, "")
    assert not ready.exists()


def test_process_says_in_one_line_that_a_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "netpie_emulator", "--state", str(tmp_path), "--appid", "A"]
        ended = subprocess.run([*command, "--mqtt-port", port], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: port {port}")
    assert ended.stderr.count("\n") == 1


def test_without_its_broker_s_library_the_process_says_in_one_line_what_to_install(tmp_path):
    code = "import sys; sys.modules['amqtt'] = None; from netpie_emulator.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--state", str(tmp_path), "--appid", "A"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the emulator's MQTT broker needs amqtt, which is not installed; install")
    assert ended.stderr.count("\n") == 1
