"""The side `pathway`: the same windows by Pathway, which Python streams without Spark, with two threads."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import say
from bench.shell import Side, script
from bench.sides import MQTT_TOPIC, Times
from provision.home import cache_dir

RELEASE = "pathway==0.33.0"
THREADS = 2


def python() -> Path:
    """A Python with Pathway, installed when it is missing."""
    home = cache_dir() / RELEASE.replace("==", "-")
    found = home / "bin" / "python"
    if not (home / "installed").exists():
        say(f"installing {RELEASE}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", RELEASE], check=True)
        (home / "installed").touch()
    return found


@contextmanager
def pathway(broker_url: str, times: Times, folder: Path, out: Path, *, persistence: bool) -> Iterator[Side]:
    """Its stream, running. `persistence`: what came is kept on the disk, too."""
    settings = folder / "settings.json"
    folder.mkdir(parents=True)
    out.mkdir(parents=True)
    asked = {"broker": broker_url, "topic": MQTT_TOPIC, "out": str(out), "persistence": persistence}
    settings.write_text(json.dumps({**asked, "window": times.window, "slide": times.slide}))
    environment = {"PATH": "/usr/bin:/bin", "PATHWAY_THREADS": str(THREADS)}
    command: list[str | Path] = [python(), "-P", Path(__file__).with_name("pathway_side.py"), settings]
    with script(command, folder, environment, timeout=60) as side:
        yield side
