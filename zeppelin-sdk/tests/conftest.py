"""A fake Zeppelin of each generation, and a client of it."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from sdk_support.certificates import Certificates, make_certificates
from zeppelin_sdk import ZeppelinClient, _paragraphs, _transport
from zeppelin_sdk.testing import FakeZeppelin

settings.register_profile("no deadline", deadline=None)  # a busy machine is not a failure
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy is no part of a test."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a back-off or a poll."""
    monkeypatch.setattr(_transport, "BACKOFF", (0.0, 0.0))
    monkeypatch.setattr(_paragraphs, "POLL_FIRST", 0.001)


@pytest.fixture(params=["0.8", "0.10", "0.12"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeZeppelin]:
    """A fake without users, in every generation."""
    with FakeZeppelin(request.param) as server:
        yield server


@pytest.fixture
def client(fake: FakeZeppelin) -> Iterator[ZeppelinClient]:
    with ZeppelinClient(fake.url, timeout=30) as client:
        yield client
