"""The embedded stack: what is installed, what runs, what a killed run left behind."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from provision.embedded import emulator, processes, record, stack
from provision.embedded.install import install_dir
from provision.embedded.manifest import Component, component
from provision.errors import UsageError
from provision.finding import Finding, fail, ok, warn

COMPONENTS = ("jre-11", "spark-3.1.3", "mqtt", "zeppelin-0.10.0")  # what `install_runtime` installs by itself
_NEEDED = {"jre-11": "bin/java", "spark-3.1.3": "jars/spark-core_*.jar"}
INDEX_TIMEOUT = 30.0  # seconds
CONNECT_TIMEOUT = 3.0


def check_installed() -> Iterator[Finding]:
    """The emulator's broker, the embedded stack's components and, when one is missing, the package index."""
    try:
        emulator.check_installed()
    except UsageError as error:
        yield warn("installed", error.message, error.next_step)
    missing = False
    for name in COMPONENTS:
        part = component(name)
        folder = install_dir(part)
        if not folder.is_dir():
            missing = True
            yield warn("installed", f"{name} is not installed yet", "provision up installs it")
        else:
            yield _intact(part, folder)
    if missing:
        yield _index()


def _intact(part: Component, folder: Path) -> Finding:
    """Whether the pinned jars have their sizes and the other files exist and are not empty."""
    wrong = [path for path in _pinned(part, folder) if path is not None]
    needed = _NEEDED.get(part.name)
    if needed and not any(folder.glob(needed)):
        wrong.append(folder / needed)
    wrong += [path for path in sorted(folder.glob("jars/*.jar")) if path.stat().st_size == 0]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        next_step = f"provision down, delete {folder}, provision up"
        return fail("installed", f"{part.name}: {wrong[0]}{more} is missing or not whole", next_step)
    return ok("installed", f"{part.name} is whole")


def _pinned(part: Component, folder: Path) -> Iterator[Path]:
    for jar in part.jars:
        path = folder / jar.folder / jar.file_name
        if not path.is_file() or path.stat().st_size != jar.size:
            yield path
    for file in part.packaged:
        path = folder / file.path
        if not path.is_file() or path.read_bytes() != file.content:
            yield path


def _index() -> Finding:
    """Whether pip's configured index answers."""
    name = component("jre-11").releases[0].name
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "index", "versions", name]
    next_step = "check the network and pip's configuration (index, proxy, certificates)"
    try:
        asked = subprocess.run(command, capture_output=True, timeout=INDEX_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return fail("index", f"pip's index gave no answer in {INDEX_TIMEOUT:.0f} s", next_step, 4)
    if asked.returncode:
        return fail("index", f"pip finds no {name} in its index", next_step, 4)
    return ok("index", "pip's index answers")


def check_stack() -> Iterator[Finding]:
    """The stack in the background, if there is one."""
    mark = record.read_mark()
    running = stack.find()
    if running is not None:
        yield ok("stack", f"up: {running.url}")
        yield _port("Zeppelin", running.url)
        yield _port("NETPIE's auth server", running.netpie.auth)
        yield _port("MQTT broker", running.netpie.mqtt)
    elif mark is None:
        yield ok("stack", "not up; provision up starts it")
    else:
        count = len(processes.marked(mark))
        left = f"{count} of its processes still run" if count else "none of its processes runs"
        yield warn("stack", f"a stack was started and has ended in part: {left}", "provision down clears it away")


def _port(name: str, address: str) -> Finding:
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CONNECT_TIMEOUT).close()
    except OSError as error:
        cause = error.strerror or str(error)
        return fail("stack", f"{name} at {address}: {cause}", "provision down, then provision up", 4)
    return ok("stack", f"{name} takes connections at {address}")
