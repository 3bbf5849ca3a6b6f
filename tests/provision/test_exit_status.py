import pytest

import zeppelin_sdk
from netpie_creds import NetpieError
from provision.errors import ConflictError, exit_status
from zeppelin_sdk import ZeppelinError

STATUSES = {
    "InvalidAddressError": 2,
    "InvalidNoteError": 2,
    "ServerUnreachableError": 4,
    "NotZeppelinError": 4,
    "LoginError": 5,
    "LoginRequiredError": 5,
    "PermissionDeniedError": 5,
}


def errors() -> list[type[ZeppelinError]]:
    return [e for e in vars(zeppelin_sdk).values() if isinstance(e, type) and issubclass(e, ZeppelinError)]


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_an_error_of_zeppelin_ends_a_command_with_its_status(kind: type[ZeppelinError]) -> None:
    error = kind.__new__(kind)
    assert exit_status(error) == STATUSES.get(kind.__name__, 1)


def test_other_errors_have_their_own() -> None:
    assert exit_status(ConflictError("a conflict")) == 3
    assert exit_status(NetpieError("refused")) == NetpieError.exit_code
