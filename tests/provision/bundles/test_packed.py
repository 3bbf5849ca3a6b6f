"""The paragraph that brings pyspark-mqtt along: in a Python that has no such package."""

import ast
import subprocess
import sys
from pathlib import Path

from provision.bundles.outputs import outputs_in
from provision.bundles.packed import packed_source

SOURCES = Path(__file__).parents[3] / "pyspark-mqtt" / "src" / "pyspark_mqtt"


def test_it_brings_the_package_along_and_gives_it_to_spark(tmp_path: Path) -> None:
    """Every module of it; a stub stands for pyarrow, which is the server's."""
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib.util, sys, types, zipfile\n"
        "assert importlib.util.find_spec('pyspark_mqtt') is None\n"
        "given = []\n"
        "context = types.SimpleNamespace(addPyFile=given.append, environment={'PYTHONPATH': '/known', 'A': 'b'})\n"
        "spark = types.SimpleNamespace(sparkContext=context)\n"
        "from unittest.mock import MagicMock\n"
        "for part in ('', '.compute', '.json', '.parquet'):\n"
        "    sys.modules[f'pyarrow{part}'] = MagicMock()\n"
        f"{packed_source('pyspark_mqtt')}\n"
        "assert context.environment == {'PYTHONPATH': f'{archive}:/known', 'A': 'b'}\n"
        "print(given == [archive], pyspark_mqtt.__file__.startswith(archive), *zipfile.ZipFile(archive).namelist())\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    given, own, *names = ran.stdout.split()
    assert (given, own) == ("True", "True")
    assert names == sorted(f"pyspark_mqtt/{path.name}" for path in SOURCES.glob("*.py"))


def test_the_outputs_come_along_and_an_older_package_of_an_earlier_run_makes_room(tmp_path: Path) -> None:
    outputs = [name for name, each in outputs_in("python").items() if not each.always]
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, types\n"
        "sys.modules['note_outputs'] = sys.modules['note_outputs.csv'] = types.ModuleType('older')\n"
        f"{packed_source('note_outputs')}\n"
        f"import {', '.join(f'note_outputs.{name}' for name in outputs)}\n"
        "print(note_outputs.csv.Csv.__module__, note_outputs.Outputs.__module__)\n"
        "print(note_outputs.__file__.startswith(archive))\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["note_outputs.csv", "note_outputs._outputs", "True"]


def test_zeppelin_shows_no_value_of_a_statement_in_it() -> None:
    """It shows what the last statement of a paragraph gives, and each within it: as of `write`, the bytes written."""
    for package in ("pyspark_mqtt", "note_outputs"):
        assert isinstance(ast.parse(packed_source(package)).body[-1], ast.Import)


def test_it_has_nothing_that_zeppelin_or_a_template_would_replace() -> None:
    for package in ("pyspark_mqtt", "note_outputs"):
        assert not set("{}$") & set(packed_source(package))
        assert len(packed_source(package)) < 50_000
