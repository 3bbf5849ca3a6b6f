"""The double does what a real server does: `tests/integration` runs the same against one."""

import re
from collections.abc import Iterator

import pytest

from zeppelin_sdk import ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin

pytest.register_assert_rewrite("sdk_support.contract")
from sdk_support.contract import *  # noqa: E402, F403


def spark(text: str) -> list[str]:
    """As much of Spark as the contract runs: `for (i <- 1 to 3) { println("line " + i) }`."""
    count = re.search(r"1 to (\d+)", text)
    assert count
    silence = [""] * 6
    return [piece for number in range(1, int(count[1]) + 1) for piece in (f"line {number}\n", *silence)]


@pytest.fixture
def quiet_spark() -> None:
    """Nothing runs in the double."""


@pytest.fixture(params=["loopback", "in process"])
def client(request: pytest.FixtureRequest) -> Iterator[ZeppelinClient]:
    with FakeZeppelin("0.10", pace=0.1) as fake:
        fake.interpreters |= {"sh": lambda _text: [""], "spark": spark}
        fake.settings["sh"] = fake.settings["md"] | {"id": "sh", "name": "sh", "group": "sh"}
        fake.cron_enabled = False
        with fake.client() if request.param == "in process" else ZeppelinClient(fake.url) as client:
            yield client
