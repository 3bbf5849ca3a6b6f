"""The README's five steps, as they are typed: on the embedded server, and its NETPIE."""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.embedded.application import demo_application

from ..docs.pages import ROOT, shell_lines
from .command import done
from .conftest import Embedded
from .streams import parameters

STEPS = shell_lines(ROOT / "README.md", "Your own data in five steps")


SEEN = "& for _ in $(seq 300); do [ -s page ] && break; sleep 0.2; done; kill $!; wait $! || true; grep /note/ page"
"""How a page that would be served until Ctrl-C is ended once it has told its address."""


def typed(line: str, folder: Path) -> str:
    """A line with this run's application and server, short windows, and an end for the publisher."""
    application = demo_application()
    values = f"{application.appid} {application.appkey} {application.appsecret}"
    line = line.replace("APPID APPKEY APPSECRET", values).replace('"APPID ', f'"{application.appid} ')
    line = line.replace(" --zeppelin http://HOST:8080", "")
    if line.startswith("provision publish"):
        line += " --every 1 --count 3"
    if line.startswith("provision page"):
        line += f" >page {SEEN}"
    if line.startswith("provision apply"):
        line = shlex.join([*shlex.split(line), *parameters("streaming", out=folder)])
    return line


@pytest.fixture
def note(embedded: Embedded) -> Iterator[str]:
    """The note's name, gone at the end."""
    name = f"{embedded.stack.netpie.appid} metrics outputs in Python"
    yield name
    done("remove", "--yes", name)


@pytest.mark.long
def test_the_five_steps_bring_a_note_that_streams(
    embedded: Embedded, quiet_spark: None, note: str, tmp_path: Path
) -> None:
    script = "\n".join(["set -e", *(typed(line, tmp_path) for line in STEPS)])
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NETPIE_AUTH": embedded.stack.netpie.auth,
    }

    ran = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )

    assert ran.returncode == 0, ran.stderr
    assert stat.S_IMODE((tmp_path / "netpie.env").stat().st_mode) == 0o600
    assert "published 3 events" in ran.stdout
    assert "/note/" in ran.stdout
    assert done("status", note, "--json").json["state"] == "streaming"
