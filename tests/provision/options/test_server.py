from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from provision.embedded import stack
from provision.errors import UsageError
from provision.options.server import ServerOptions, server_options

URL = "http://127.0.0.1:1/zeppelin"
PASSWORD = "the Zeppelin password"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ZEPPELIN_URL", "ZEPPELIN_USER", "ZEPPELIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def options_of(*arguments: str) -> ServerOptions:
    got: list[ServerOptions] = []

    @click.command()
    @server_options
    def command(server: ServerOptions) -> None:
        got.append(server)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return got[0]


def test_without_a_url_the_embedded_server_is_meant() -> None:
    assert options_of().embedded
    assert not options_of("--zeppelin", URL).embedded


def test_url_and_user_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEPPELIN_URL", URL)
    monkeypatch.setenv("ZEPPELIN_USER", "ann")
    assert options_of() == ServerOptions(URL, "ann", None)
    assert options_of("--user", "bob").user == "bob"


def test_no_option_takes_a_password_itself() -> None:
    @click.command()
    @server_options
    def command(server: ServerOptions) -> None: ...

    names = [name for parameter in command.params for name in parameter.opts]
    assert sorted(names) == ["--ca-file", "--password-file", "--user", "--zeppelin"]


def test_a_named_server_is_not_asked_anything_yet() -> None:
    assert ServerOptions(URL, None, None).connect_running().url == URL


def test_the_password_is_read_from_its_file_and_is_in_no_repr(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\r\n")
    options = options_of("--zeppelin", URL, "--user", "ann", "--password-file", str(file))
    assert options._password() == PASSWORD
    assert PASSWORD not in repr(options) + repr(options.connect_running())


def test_the_password_of_the_environment_is_taken_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEPPELIN_PASSWORD", PASSWORD)
    assert ServerOptions(URL, "ann", None)._password() == PASSWORD


def test_a_user_without_a_password_is_a_usage_error_that_names_both_ways() -> None:
    with pytest.raises(UsageError, match="no password for Zeppelin user ann") as caught:
        ServerOptions(URL, "ann", None).connect_running()
    assert "ZEPPELIN_PASSWORD" in caught.value.next_step
    assert "--password-file" in caught.value.next_step


def test_a_password_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        ServerOptions(URL, "ann", tmp_path).connect_running()


def test_a_password_file_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"secret\xff")
    with pytest.raises(UsageError, match="no text in UTF-8") as caught:
        ServerOptions(URL, "ann", file).connect_running()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "content",
    [
        PASSWORD.encode("utf-8-sig"),
        f"{PASSWORD}\r\n".encode("utf-16"),
        b"\xfe\xff" + PASSWORD.encode("utf-16-be"),
        f"{PASSWORD}\r".encode(),
    ],
)
def test_a_password_file_written_on_windows_is_understood(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    assert ServerOptions(URL, "ann", tmp_path / "password")._password() == PASSWORD


def test_a_running_server_is_wanted_and_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find", lambda: None)
    with pytest.raises(UsageError, match="no Zeppelin server named") as caught:
        ServerOptions(None, None, None).connect_running()
    for way in ("--zeppelin", "ZEPPELIN_URL", "provision up"):
        assert way in caught.value.next_step
