"""What the tests of the second process leave: secrets in no log and no record, and stores for their owner only."""

import pytest

from .command import done
from .conftest import Embedded
from .test_secrets import known_secrets, leaking_data, leaking_records, open_stores


@pytest.fixture(scope="module")
def secrets(embedded: Embedded) -> list[str]:
    done("apply", "--no-run", "--note", "/secrets/left")
    return known_secrets(embedded)


def test_what_the_stack_wrote_holds_no_secret(secrets: list[str]) -> None:
    assert leaking_data(secrets) == []


def test_records_of_applies_hold_no_secret(secrets: list[str]) -> None:
    assert leaking_records(secrets) == []


def test_the_stores_that_hold_secrets_are_for_their_owner_only(secrets: list[str]) -> None:
    assert open_stores(secrets) == []
