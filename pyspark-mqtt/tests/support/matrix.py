"""The tests that need a Spark on the newest release of each: `python matrix.py [VERSION …] [-k EXPRESSION]`.

Each Spark is downloaded once, by pip, into the cache folder.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

VERSIONS = ("3.3", "3.4", "3.5", "4.0", "4.1", "4.2", "4.3")
"""The newest release of each is taken."""

TESTS = Path(__file__).parents[1] / "spark"


def newest(version: str) -> str:
    """The newest release on PyPI whose version begins so; raises `LookupError` where there is none."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", "pyspark", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Available versions: (.*)", asked.stdout)
    known = found[1].split(", ") if found else []
    if version in known:
        return version
    try:
        return next(one for one in known if one.startswith(f"{version}."))
    except StopIteration:
        raise LookupError(f"PyPI has no pyspark {version}") from None


def passed(version: str, expression: str) -> bool:
    """Whether the tests pass on this Spark."""
    command = [sys.executable, "-m", "pytest", "-m", "integration", str(TESTS), "-k", expression]
    return subprocess.run(command, env={**os.environ, "PYSPARK_MQTT_SPARK": version}).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION", help=", ".join(VERSIONS))
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="the tests to run, as pytest's -k")
    chosen = parser.parse_args()
    results = {}
    for version in map(newest, chosen.versions):
        began = time.monotonic()
        word = "passed" if passed(version, chosen.k) else "FAILED"
        results[version] = f"{word} in {time.monotonic() - began:.0f} s"
    for version, result in results.items():
        print(f"Spark {version}: {result}")
    return 0 if all(result.startswith("passed") for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
