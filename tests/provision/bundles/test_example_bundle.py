"""The example of a bundle of one's own: what its files say, without a server."""

import json
import re
from pathlib import Path

import pytest

from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.render import RenderedNote
from provision.bundles.roles import Role
from provision.errors import UsageError
from provision.streams.recorded import full_rows, slide_of

from ..note_bench import Bench
from ..rendering import SECRETS, ZEPPELIN_9, code, rendered

EXAMPLES = Path(__file__).parents[3] / "examples"
GREENHOUSE = str(EXAMPLES / "greenhouse")


@pytest.fixture
def bundle() -> Bundle:
    return load_bundle(GREENHOUSE)


def note(**given: str) -> RenderedNote:
    return rendered(GREENHOUSE, zeppelin=ZEPPELIN_9, **given)


@pytest.mark.parametrize("given", [{}, {"connector": "jar", "mqtt_jars": "/a.jar"}])
def test_its_note_has_other_columns_and_every_part_that_a_stream_needs(given: dict[str, str]) -> None:
    greenhouse = note(**given)
    assert "device String, temperature double, humidity double" in code(greenhouse, "columns")
    roles = [paragraph.role for paragraph in greenhouse.paragraphs if paragraph.role]
    assert sorted(roles) == sorted(Role)
    assert not any("loadavg" in paragraph.text for paragraph in greenhouse.paragraphs)


def test_its_own_parameter_is_checked_and_stands_in_the_query() -> None:
    assert "temperature > 28" in code(note(too_warm="28"), "query")
    with pytest.raises(UsageError, match="too_warm=120 is out of range"):
        note(too_warm="120")


def test_no_secret_is_in_its_note() -> None:
    texts = "\n".join(paragraph.text for paragraph in note().paragraphs)
    assert not [secret for secret in SECRETS if secret in texts]
    assert len(note().credentials) == 1


def test_the_tool_knows_its_slide_and_where_its_rows_are() -> None:
    live = Bench(note(slide="30", out="/data")).note
    assert slide_of(live).seconds == 30
    assert full_rows(live).place == "/data/avg-*"


def test_its_readings_have_its_columns(bundle: Bundle) -> None:
    columns = next(template.text for template in bundle.templates if template.key == "columns")
    fields = re.findall(r"(\w+) (?:Timestamp|String|double)", columns)
    lines = (EXAMPLES / "readings.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(list(json.loads(line)) == fields for line in lines)
