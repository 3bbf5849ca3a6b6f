"""A Zeppelin for commands, and a machine that has applied before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from zeppelin_sdk.testing import FakeZeppelin

from .bench import CommandBench, keep_thing, name_application


@pytest.fixture
def bench(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandBench]:
    """A server that is named, an application that is named, and its thing, which is kept."""
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETPIE_AUTH", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    name_application(monkeypatch)
    keep_thing()
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield CommandBench(server, capsys)
