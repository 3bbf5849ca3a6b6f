"""How many events a second are parsed by one thread, each with a time of its own."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.sides import Machine, machine

SOURCE = Path(__file__).parent / "parsing.scala"


def measure() -> dict[str, Any]:
    """Events/s: the median of twenty rounds of 100,000 events, after ten to warm up."""
    host = machine()
    with tempfile.TemporaryDirectory(prefix="bench-parsing-") as folder:
        jar = Path(folder) / "parsing.jar"
        _java(host, "scala.tools.nsc.Main", "-usejavacp", "-nowarn", "-d", str(jar), str(SOURCE))
        printed = _java(host, "Parsing", jar=jar)
    found = re.search(r"^PARSED (\d+)$", printed, re.MULTILINE)
    assert found, printed
    return {"events_per_s": int(found[1]), "unit": "events/s"}


def _java(host: Machine, *words: str, jar: Path | None = None) -> str:
    jars = [str(path) for path in (jar, host.connector_jar, host.runtime.paho_jar) if path]
    class_path = ":".join([*jars, str(host.runtime.spark_home / "jars" / "*")])
    command = [str(host.runtime.java), "-Xmx1g", "-Xss4m", "-cp", class_path, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
