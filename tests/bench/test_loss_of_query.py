"""`bench loss --victim query`: pyspark-mqtt's own script is run, with the numbers that were asked for."""

import argparse
from pathlib import Path

import pytest

from bench import loss
from provision.errors import ProvisionError

SCRIPT = """
import json, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert words["--kills"] == "5" and words["--messages"] == "70", sys.argv
{then}
"""
TELLS = 'print(json.dumps({"missing": MISSING, "twice": TWICE, "kills": {"reader": 5}, "sent_again": 3}))'


def measured(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> dict[str, object]:
    script = folder / "pyspark-mqtt" / "tests" / "support" / "kills.py"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT.format(then=then))
    monkeypatch.setattr(loss, "ROOT", folder)
    parser = argparse.ArgumentParser()
    loss.add_options(parser)
    return loss.measure(parser.parse_args(["--victim", "query", "--kills", "5", "--events", "70"]))


@pytest.mark.parametrize(("missing", "twice", "well"), [("0", "0", True), ("1", "0", False), ("0", "2", False)])
def test_its_figures_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, twice: str, well: bool
) -> None:
    then = TELLS.replace("MISSING", missing).replace("TWICE", twice)
    found = measured(tmp_path, monkeypatch, then)
    assert found["missing"] == {"pyspark-mqtt": int(missing)}
    assert (found["twice"], found["kept_up"]) == (int(twice), {"pyspark-mqtt": well})
    assert (found["kills"], found["sent_again"]) == ({"reader": 5}, 3)


def test_one_that_ends_early_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProvisionError, match="came to no end"):
        measured(tmp_path, monkeypatch, "sys.exit(2)")
