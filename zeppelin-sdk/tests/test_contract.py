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


NOT_IN_0_8 = {
    "test_patches_of_two_people_are_merged": "PATCH_PARAGRAPH came with 0.9",
    "test_any_patch_that_is_made_here_is_understood_there": "PATCH_PARAGRAPH came with 0.9",
    "test_a_patch_shows_at_once_to_whoever_follows": "PATCH_PARAGRAPH came with 0.9",
    "test_while_all_is_run_nothing_else_is_changed": "changes are taken while all is run",
    "test_a_note_is_found_renamed_copied_exported_imported_and_deleted": "rename came with 0.9",
    "test_what_is_not_there_is_told": "two notes may share a path",
}
"""Tests of the contract that Zeppelin 0.8 does not keep, and why (`server_api.txt`, and NotebookServer of 0.8.2)."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "client" in metafunc.fixturenames:
        generations = ["0.10 loopback", "0.10", "0.11", "0.12"]
        if metafunc.function.__name__ not in NOT_IN_0_8:
            generations.append("0.8")
        metafunc.parametrize("client", generations, indirect=True)


def test_what_0_8_does_not_keep_is_part_of_the_contract() -> None:
    assert NOT_IN_0_8.keys() <= globals().keys()


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[ZeppelinClient]:
    generation, _, way = request.param.partition(" ")
    with FakeZeppelin(generation, pace=0.1) as fake:
        fake.interpreters |= {"sh": lambda _text: [""], "spark": spark}
        fake.settings["sh"] = fake.settings["md"] | {"id": "sh", "name": "sh", "group": "sh"}
        fake.cron_enabled = False
        with ZeppelinClient(fake.url) if way else fake.client() as client:
            yield client
