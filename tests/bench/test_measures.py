"""Every measure can be asked for, and both sides' notes are made, without a Spark or a broker."""

from pathlib import Path

import pytest

from bench.__main__ import MEASURES, main
from bench.sides import BASELINE, OURS, Machine, Times, note, paragraphs, properties
from provision.embedded.runtime import Runtime


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_tells_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m bench {name}" in capsys.readouterr().out


@pytest.mark.parametrize("side", [OURS, BASELINE])
def test_a_side_s_note_starts_a_stream(side: str, tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "zeppelin", tmp_path / "spark", tmp_path / "java", tmp_path / "paho.jar")
    rendered = note(side, Machine(runtime, tmp_path / "connector.jar"), "tcp://127.0.0.1:1", Times(), tmp_path / "out")

    assert [*paragraphs(rendered)][-1] == "start"
    assert "tcp://127.0.0.1:1" in "".join(paragraphs(rendered).values())
    assert str(tmp_path / "paho.jar") in properties(rendered)["spark.jars"]
