"""How checks end: an error is a failure, and what failed is the exit status."""

from collections.abc import Callable, Iterable, Iterator

from netpie_creds import NetpieError
from provision.errors import ProvisionError, exit_status
from provision.finding import Finding, Level, fail
from zeppelin_sdk import ZeppelinError


def told(part: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What `check` finds; an error of this project's packages or of the system ends it as a failure of `part`."""
    try:
        yield from check()
    except (ProvisionError, NetpieError, ZeppelinError) as error:
        yield fail(part, error.message, error.next_step, exit_status(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield fail(part, f"{where}{error.strerror or error}", "fix that, and run it again")


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when nothing failed, the failures' exit code when they share one (4 or 5), else 1."""
    codes = {finding.exit_code for finding in findings if finding.level is Level.FAIL}
    if not codes:
        return 0
    return codes.pop() if len(codes) == 1 else ProvisionError.exit_code
