import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from provision.console import Console
from provision.embedded import emulator, processes, record, stack, starting
from provision.embedded.application import demo_application
from provision.embedded.ports import claim
from provision.embedded.runtime import Choice
from provision.embedded.stack import Ports, Stack
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.home import state_dir

from ..stack_fake import FakeInstall, processes_of

# --- ports ---


def test_free_ports_differ_and_are_free() -> None:
    ports = claim(Ports())
    assert len({ports.zeppelin, ports.auth, ports.mqtt}) == 3
    for port in (ports.zeppelin, ports.auth, ports.mqtt):
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("name", "option"), [("zeppelin", "--zeppelin-port"), ("auth", "--auth-port"), ("mqtt", "--mqtt-port")]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken_is_wrong_usage_and_named(name: str, option: str, address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            claim(Ports(**{name: port}))
    assert caught.value.exit_code == 2
    assert caught.value.message == f"{option} {port}: the port is taken"
    assert caught.value.next_step == "name another, or 0 for a free one"


def test_a_port_just_closed_can_be_named_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    assert claim(Ports(zeppelin=port)).zeppelin == port


def test_the_last_ports_are_taken_again_where_they_are_free() -> None:
    last = claim(Ports())
    with socket.socket() as other:
        other.bind(("127.0.0.1", last.auth))
        other.listen()
        again = claim(Ports(), last)

    assert (again.zeppelin, again.mqtt) == (last.zeppelin, last.mqtt)
    assert again.auth not in (0, last.auth)


def test_one_port_for_two_servers_is_wrong_usage() -> None:
    port = claim(Ports()).mqtt
    with pytest.raises(UsageError, match=f"port {port} is named for two servers"):
        claim(Ports(auth=port, mqtt=port))


# --- processes ---


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def sleeper(started: list[subprocess.Popen[bytes]], mark: str | None, *, stubborn: bool = False) -> psutil.Process:
    code = "import signal, time; "
    code += "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    code += "print(flush=True); time.sleep(60)"
    env = {**os.environ, **({processes.MARK: mark} if mark else {})}
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    with process.stdout as output:
        output.readline()
    return psutil.Process(process.pid)


def test_processes_of_a_stack_are_found_by_its_mark_alone(sleepers: list[subprocess.Popen[bytes]]) -> None:
    ours, others, none = (sleeper(sleepers, mark) for mark in ("ours", "others", None))
    assert processes.marked("ours") == [ours]
    assert processes.is_marked(ours.pid, "ours")
    assert not processes.is_marked(others.pid, "ours")
    assert not processes.is_marked(none.pid, "ours")


def test_a_process_that_ended_and_was_not_waited_for_does_not_run(sleepers: list[subprocess.Popen[bytes]]) -> None:
    process = sleeper(sleepers, "ours")
    process.send_signal(signal.SIGKILL)
    while process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not processes.is_marked(process.pid, "ours")
    assert processes.marked("ours") == []


def test_a_process_that_does_not_stop_when_asked_is_forced(sleepers: list[subprocess.Popen[bytes]]) -> None:
    stubborn, willing = sleeper(sleepers, "ours", stubborn=True), sleeper(sleepers, "ours")
    assert processes.end([stubborn, willing], grace=0.3) == 2
    assert not stubborn.is_running()
    assert not willing.is_running()


def test_this_process_is_never_one_of_the_stack_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = "from provision.embedded import processes; import os; print(processes.marked('ours'))"
    env = {**os.environ, processes.MARK: "ours"}
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True) == "[]\n"


# --- the stack ---


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    stack.down()
    assert processes_of(tmp_path) == []


@pytest.fixture
def install(home: Path) -> FakeInstall:
    return FakeInstall()


@pytest.fixture
def quick_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in the emulator's place that starts, and ends, at once."""

    def start(ports: Ports, _log: Path, mark: str) -> subprocess.Popen[bytes]:
        ready = {"auth": f"http://127.0.0.1:{ports.auth}", "mqtt": {"host": "127.0.0.1", "port": ports.mqtt}}
        process = subprocess.Popen(["sleep", "60"], env={**os.environ, processes.MARK: mark})
        emulator._ready_file().write_text(json.dumps(ready | {"appid": "DEMO", "appkey": "key"}))
        return process

    monkeypatch.setattr(emulator, "start", start)


def up(ports: Ports | None = None) -> Stack:
    return stack.up(Choice(), ports or Ports(), Console())[0]


def test_up_starts_both_servers_on_the_ports_named_and_down_ends_all_that_they_started(
    install: FakeInstall, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NETPIE_APPSECRET", "NETPIE_APPKEY", "ZEPPELIN_PASSWORD", "ZEPPELIN_URL", "MASTER", "HADOOP_CONF_DIR"):
        monkeypatch.setenv(name, "a-value-of-the-caller")
    ports = claim(Ports())
    running, started = stack.up(Choice(), ports, Console())
    assert started
    assert running.url == f"http://127.0.0.1:{ports.zeppelin}"
    assert running.netpie.auth == f"http://127.0.0.1:{ports.auth}"
    assert running.netpie.mqtt == f"127.0.0.1:{ports.mqtt}"
    assert running.logs.is_dir()
    for pid in (running.pids.zeppelin, running.pids.netpie):
        assert "a-value-of-the-caller" not in psutil.Process(pid).environ().values()
    assert stack.find() == running
    secrets_are_private(running, home)

    again, started = stack.up(Choice(), Ports(), Console())
    assert (again, started) == (running, False)
    with pytest.raises(ConflictError) as caught:
        stack.up(Choice(), Ports(zeppelin=ports.mqtt), Console())
    assert caught.value.exit_code == 3
    with pytest.raises(ConflictError, match="up already"):
        stack.up(Choice(home="/elsewhere"), Ports(), Console())

    assert stack.down() == 3
    assert stack.find() is None
    assert stack.down() == 0
    assert processes_of(home) == []


def secrets_are_private(running: Stack, home: Path) -> None:
    assert "appsecret" not in json.dumps(running.to_json())
    conf = running.logs.parent / "conf"
    for path in (
        state_dir() / "demo-application.toml",
        state_dir() / "stack.json",
        conf / "zeppelin-site.xml",
        conf / "credentials.key",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path.parent
    secret = demo_application().appsecret
    for process in processes_of(home):
        assert not any(secret in word for word in process.cmdline())


@pytest.mark.usefixtures("quick_emulator")
def test_a_server_that_ends_at_its_start_is_told_with_its_last_words_and_nothing_stays(
    install: FakeInstall, home: Path
) -> None:
    install.behave("die")
    with pytest.raises(ProvisionError) as caught:
        up()
    log = home / "data" / "zeppelin" / "logs" / "zeppelin.out"
    assert caught.value.message == "Zeppelin did not start: Error: Could not create the Java Virtual Machine."
    assert caught.value.next_step == f"see {log}"
    assert log.is_file()
    assert processes_of(home) == []
    assert not record.record_path().exists()


@pytest.mark.usefixtures("quick_emulator")
def test_a_server_that_does_not_answer_is_told_with_its_log_and_nothing_stays(
    install: FakeInstall, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "START_TIMEOUT", 0.5)
    install.behave("silent")
    with pytest.raises(ProvisionError, match="did not answer in 0 s"):
        up()
    assert processes_of(home) == []


@pytest.mark.parametrize("name", ["my home", "a:b", "100%"])
def test_a_folder_that_zeppelin_cannot_run_in_is_wrong_usage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / name))
    with pytest.raises(UsageError, match="Zeppelin can't run in a folder with") as caught:
        up()
    assert "PROVISION_HOME" in caught.value.next_step
    assert not (tmp_path / name).exists()


def test_a_port_that_is_taken_is_told_before_anything_is_started(install: FakeInstall, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UsageError, match="the port is taken"):
        up(Ports(mqtt=server.getsockname()[1]))
    assert not install.begun
    assert not record.record_path().exists()


@pytest.mark.usefixtures("quick_emulator")
@pytest.mark.parametrize("command", ["up", "demo"])
def test_without_the_emulator_s_extra_nothing_is_installed_or_started(home: Path, command: str) -> None:
    code = (
        f"import sys; sys.modules['amqtt'] = None; sys.argv[1:] = ['{command}']; from provision.cli import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "needs amqtt, which is not installed" in ended.stderr
    assert "[emulator]" in ended.stderr
    assert record.read_mark() is None
    assert not (home / "cache").exists()


def test_a_stack_whose_server_was_killed_is_none_and_what_is_left_of_it_goes_at_the_next_up(
    install: FakeInstall, home: Path
) -> None:
    first = up()
    left = {process.pid for process in processes_of(home)} - {first.pids.zeppelin}
    psutil.Process(first.pids.zeppelin).kill()
    while processes.is_marked(first.pids.zeppelin, first.mark):
        time.sleep(0.01)
    assert stack.find() is None
    second = up()
    assert second.mark != first.mark
    assert not left & {process.pid for process in processes_of(home)}


@pytest.mark.usefixtures("quick_emulator")
def test_a_pid_that_another_process_has_by_now_is_not_taken_for_a_server(
    install: FakeInstall, sleepers: list[subprocess.Popen[bytes]]
) -> None:
    other = sleeper(sleepers, None)
    running = up()
    stack.down()
    record._write(
        {
            **json.loads(json.dumps(running, default=lambda value: getattr(value, "__dict__", None) or str(value))),
            "pids": {"zeppelin": other.pid, "netpie": other.pid},
        }
    )
    assert record.read_stack() is not None
    assert stack.find() is None
    assert stack.down() == 0
    assert other.is_running()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"mark": 1}', '{"mark": "x", "url": "y"}'])
def test_a_record_that_makes_no_sense_is_no_stack(text: str, home: Path) -> None:
    record.record_path().write_text(text)
    assert stack.find() is None
    assert stack.down() == 0


def test_the_lock_of_a_dead_process_does_not_block(home: Path) -> None:
    code = "from provision.embedded import stack; import os\nwith stack._lock(): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert stack.down() == 0


@pytest.mark.usefixtures("quick_emulator")
def test_a_second_up_waits_for_the_first_and_starts_nothing(install: FakeInstall, home: Path) -> None:
    answers: list[tuple[Stack, bool]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(stack.up(Choice(), Ports(), Console()))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started for _, started in answers) == [False, True]
    assert answers[0][0] == answers[1][0]


def test_who_waits_for_the_lock_is_told(home: Path) -> None:
    told = threading.Event()

    def wait() -> None:
        with stack._lock(lambda _line: told.set()):
            pass

    with stack._lock():
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert told.wait(30)
    waiter.join()


def test_ctrl_c_during_up_ends_what_was_started(install: FakeInstall, home: Path) -> None:
    install.behave("silent")
    with subprocess.Popen(
        [sys.executable, "-m", "provision", "up"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not install.begun:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in err
    assert processes_of(home) == []
    assert not record.record_path().exists()
