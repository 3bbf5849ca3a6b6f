"""Every measure can be asked for, and both sides' notes are made, without a Spark or a broker."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import MEASURES, main
from bench.sides import BASELINE, OURS, Machine, Times, note, only_received, paragraphs, properties, stream_of
from provision.bundles.roles import Role
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

    roles = {paragraph.key: paragraph.role for paragraph in rendered.paragraphs}
    assert roles[[*paragraphs(rendered)][-1]] == Role.START
    assert "tcp://127.0.0.1:1" in "".join(paragraphs(rendered).values())
    assert str(tmp_path / "paho.jar") in properties(rendered)["spark.jars"]


@pytest.mark.parametrize("side", [OURS, BASELINE])
def test_what_a_stream_needs_is_found_whatever_its_keys_are(side: str, tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "zeppelin", tmp_path / "spark", tmp_path / "java", tmp_path / "paho.jar")
    rendered = note(side, Machine(runtime, tmp_path / "connector.jar"), "tcp://127.0.0.1:1", Times(), tmp_path / "out")
    renamed = replace(rendered, paragraphs=tuple(replace(p, key=f"{p.key}-2") for p in rendered.paragraphs))

    made_by = {OURS: "NetpieMqtt.create", BASELINE: "MQTTUtils.create"}[side]
    assert made_by in paragraphs(renamed)[stream_of(renamed)]
    texts = only_received(renamed, "use(it)", stream="make(it)")
    assert [*texts.values()][-3:-1] == ["make(it)", "use(it)"]
    assert "ssc.start" in [*texts.values()][-1]
    assert not any("window" in key or "query" in key for key in texts)
    assert only_received(renamed, "use(it)")[stream_of(renamed)] == paragraphs(renamed)[stream_of(renamed)]
