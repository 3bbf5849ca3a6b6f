"""The README's first lines in an empty environment, with a Mosquitto: `python alone.py [--spark-from-pypi]`.

A wheel of this distribution is built and installed into a new environment, which has only what that brings. Spark and
its Java are those that the tests download; or Spark comes with the wheel, and Java is the machine's own.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mqtt_support import sparks
from mqtt_support.mosquitto import mosquitto
from mqtt_support.publishing import publish

HERE = Path(__file__).parents[2]
NEEDLES = ("tcp://localhost:1883", "/var/lib/temperatures")

ROWS = 3
UNTIL_ROWS = """
import sys, time
end = time.monotonic() + 300
while query.isActive and time.monotonic() < end:
    try:
        found = spark.read.parquet(query_path).count()
    except Exception:
        found = 0
    if found >= {rows}:
        break
    time.sleep(0.5)
for row in spark.read.parquet(query_path).orderBy("value").collect():
    print(row.topic, row.value)
sys.stdout.flush()
query.stop()
"""


def example(url: str, folder: Path) -> str:
    """The README's first Python, for that broker and folder, and what waits for its rows."""
    text = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    for needle, value in zip(NEEDLES, (url, str(folder))):
        assert needle in text, needle
        text = text.replace(needle, value)
    return f"{text}\nquery_path = {str(folder / 'rows')!r}\n{UNTIL_ROWS.replace('{rows}', str(ROWS))}"


def installed(folder: Path, extra: str) -> Path:
    """The Python of a new environment, in which the wheel is installed."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", str(HERE)]
    subprocess.run([*pip, "--wheel-dir", str(folder)], check=True)
    (wheel,) = folder.glob("pyspark_mqtt-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "alone")], check=True)
    python = folder / "alone" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, f"{wheel}{extra}"], env=alone, check=True)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spark-from-pypi", action="store_true", help="pip install …[spark], some 450 MB")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, mosquitto(Path(name) / "broker") as broker:
        folder = Path(name)
        python = installed(folder, "[spark]" if chosen.spark_from_pypi else "")
        environment = {**os.environ, "PYSPARK_PYTHON": str(python)}
        if not chosen.spark_from_pypi:
            environment |= {**sparks.environment(sparks.VERSION), "PYSPARK_PYTHON": str(python)}
            environment["PYTHONPATH"] = str(sparks.installed(sparks.VERSION))
        script = folder / "example.py"
        script.write_text(example(broker.url, folder / "data"), encoding="utf-8")
        running = subprocess.Popen([python, script], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
        while running.poll() is None:
            publish(broker.port, "sensors/a/temperature", ["20.5"], 1)
            time.sleep(2)
        told = running.communicate()[0]
        print(told, end="")
        return running.returncode or int(told.count("sensors/a/temperature 20.5") < ROWS)


if __name__ == "__main__":
    sys.exit(main())
