"""The contract of `zeppelin_sdk`'s double, kept by the embedded Zeppelin."""

import pytest

from zeppelin_sdk import ZeppelinClient

from .conftest import Embedded

pytest.register_assert_rewrite("sdk_support.contract")
from sdk_support.contract import *  # noqa: E402, F403


@pytest.fixture
def client(embedded: Embedded, quiet_spark: None) -> ZeppelinClient:
    return embedded.client
