"""What `doctor` says of NETPIE 2015: the credentials' file modes, the cached thing, the auth server and its clock, the
broker.
"""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from netpie_creds import (
    Application,
    AuthServer,
    NetpieError,
    broker_of,
    host_and_port,
    kept_cache,
    load_application,
    read_cache,
)
from provision.finding import Finding, fail, ok, warn
from provision.platforms.platform import Given
from provision.platforms.shared import mode_of

SKEW = 60  # seconds before a clock difference is reported: passwords are signed with this machine's time
TIMEOUT = 5.0


def checks(given: Given, auth: str, folder: Callable[[str], Path]) -> Iterator[Finding]:
    """The application, its files and its cached thing; then the servers. `folder` is that of an APPKEY's thing."""
    for file in (given.credentials_file, given.secret_file):
        if file is not None:
            yield mode_of(file)
    values = given.values
    try:
        application = load_application(
            values.get("appid"),
            values.get("appkey"),
            file=given.credentials_file,
            secret_file=given.secret_file,
            env=given.env,
            env_first="credentials_file" in given.of_project,
        )
    except NetpieError as error:
        yield warn("application", error.message, error.next_step)
        application = None
    if application is not None:
        yield ok("application", f"{application.appid}, key {application.appkey}")
        yield from _thing(folder(application.appkey), application)
    yield from _servers(auth, application, folder)


def _thing(folder: Path, application: Application) -> Iterator[Finding]:
    path = kept_cache(folder, application.appkey)
    try:
        kept = read_cache(folder, application.appkey)
    except NetpieError as error:
        yield fail("thing", error.message, error.next_step, error.exit_code)
        return
    if kept is None or path is None:
        yield ok("thing", f"none is kept in {folder}; one is made when it is needed")
    else:
        yield ok("thing", f"kept in {path}")
        yield mode_of(path)


def _servers(address: str, application: Application | None, folder: Callable[[str], Path]) -> Iterator[Finding]:
    auth = AuthServer(address, timeout=TIMEOUT)
    before = time.time()
    try:
        skew = auth.time() - (before + time.time()) / 2
    except NetpieError as error:
        yield fail("auth server", error.message, error.next_step, error.exit_code)
    else:
        yield ok("auth server", f"{address} answers")
        yield _clock(skew)
    if application is not None:
        yield _broker(folder(application.appkey), application, auth)


def _clock(skew: float) -> Finding:
    told = f"this machine's clock and NETPIE's differ by {abs(skew):.0f} s"
    if abs(skew) > SKEW:
        return warn("clock", told, "set this machine's clock (NTP), and the Spark driver's: passwords hold the time")
    return ok("clock", told)


def _broker(folder: Path, application: Application, auth: AuthServer) -> Finding:
    """Whether the thing's broker, or the one that the auth server names, accepts connections."""
    try:
        kept = read_cache(folder, application.appkey)
        endpoint = (kept and kept.endpoint) or auth.endpoint(application.appkey)
    except NetpieError as error:
        return fail("broker", error.message, error.next_step, error.exit_code)
    address = broker_of(endpoint)
    shown = host_and_port(*address)
    try:
        socket.create_connection(address, timeout=TIMEOUT).close()
    except OSError as error:
        cause = getattr(error, "strerror", None) or str(error)
        next_step = "check the network and the firewall; the Spark driver's machine has to reach it too"
        return fail("broker", f"{shown}: {cause}", next_step, 4)
    return ok("broker", f"{shown} takes connections")
