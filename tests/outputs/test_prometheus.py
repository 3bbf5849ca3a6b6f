"""The page that Prometheus scrapes: read by its own client's parser, and by a real Prometheus."""

import json
import math
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from zeppelin_notes.outputs import Outputs
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.prometheus import Prometheus, page

from .programs import Server, free_port
from .test_delivery import until
from .windows import FIRST, SLIDE, expected, window

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """All samples by name and labels; none is there twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def fetched(url: str) -> tuple[str, str]:
    """The page and its content type."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


@pytest.fixture
def output() -> Iterator[Prometheus]:
    found = Prometheus(port=free_port(), labels=["id"])
    yield found
    found.close()


def test_the_latest_window_s_numbers_are_gauges_with_the_keys_as_labels(output: Prometheus) -> None:
    output.write(window(1))
    output.write(window(2))
    output.write(window(0))  # given again after a restart
    url = output.remark()
    text, kind = fetched(url)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(text)
    assert found.pop(("window_end_timestamp_seconds", ())) == window(2).end / 1000
    rows = expected(2)
    assert {name for name, _ in found} == {"window_avg_cpu", "window_ts"}
    for _, ts, id_, cpu, _ in rows:
        assert found[("window_avg_cpu", (("id", id_),))] == cpu
        assert found[("window_ts", (("id", id_),))] == ts / 1_000_000
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(url.replace("/metrics", "/"))


def test_names_and_values_of_any_kind_can_be_read() -> None:
    columns = ("1 id", "ไทย", "avg(a)", "avg_a", "__x", "n", "on", "text", "row")
    kinds = ("string", "string", "double", "double", "double", "decimal(10,2)", "boolean", "string", "bigint")
    rows: tuple[tuple[Any, ...], ...] = (
        ('say "hi"\\\nthere', "ก", 0.1, float("nan"), float("inf"), "12.30", True, "x", 1 << 60),
        (None, None, None, None, -math.inf, None, False, "x", None),
        (None, "", 3.0, None, None, None, None, "x", None),
    )
    found = samples(page(Window(FIRST, columns, kinds, rows), ["1 id", "ไทย"], "window"))
    one = (("_", "ก"), ("_1_id", 'say "hi"\\\nthere'))
    assert found[("window_avg_a", one)] == 0.1
    assert math.isnan(found[("window_avg_a_2", one)])
    assert found[("window_x", one)] == math.inf
    assert found[("window_x", ())] == -math.inf
    assert (found[("window_n", one)], found[("window_on", one)], found[("window_on", ())]) == (12.3, 1, 0)
    assert found[("window_row", one)] == float(1 << 60)
    assert found[("window_avg_a", (("row", "2"),))] == 3.0
    assert not [name for name, _ in found if "text" in name]


def test_a_window_without_rows_has_its_end_alone(output: Prometheus) -> None:
    output.write(window(0))
    output.write(Window(FIRST + SLIDE, window(0).columns, window(0).kinds, ()))
    assert samples(fetched(output.remark())[0]) == {("window_end_timestamp_seconds", ()): (FIRST + SLIDE) / 1000}


def test_an_edited_paragraph_takes_the_port_over_and_a_taken_one_is_told(tmp_path: Path) -> None:
    outputs, port = Outputs(str(tmp_path)), free_port()
    for number, prefix in enumerate(("window", "other")):
        outputs.to("prometheus", Prometheus(port=port, labels=["id"], prefix=prefix))
        outputs.put(window(number))
        until("its page", lambda: outputs.told()[0].remark)
        assert f"{prefix}_avg_cpu" in fetched(f"http://127.0.0.1:{port}/metrics")[0]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outputs.to("another", Prometheus(port=taken.getsockname()[1]))
        outputs.put(window(2))
        until("the failure", lambda: outputs.told()[1].reason)
        assert "Address already in use: give another port" in outputs.told()[1].reason
    until("it catches up", lambda: outputs.told()[1].delivered)
    outputs.close()
    with pytest.raises(OSError, match="refused"):
        fetched(f"http://127.0.0.1:{port}/metrics")


class Scraper(Server):
    """A Prometheus that scrapes one page each second."""

    program, ready = "prometheus", "/-/ready"

    def __init__(self, folder: Path, target: str) -> None:
        config = {
            "scrape_configs": [{"job_name": "note", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}]
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        super().__init__(folder)

    def arguments(self) -> list[str]:
        own = f"--web.listen-address=127.0.0.1:{self.port}"
        return [f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data", own]

    def query(self, text: str) -> dict[str, float]:
        found = json.loads(self.get(f"/api/v1/query?{urlencode({'query': text})}"))
        assert found["status"] == "success"
        return {each["metric"].get("id", ""): float(each["value"][1]) for each in found["data"]["result"]}


@pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="no Prometheus of the distribution's packages: prometheus"
)
def test_a_real_prometheus_has_the_rows_that_it_scrapes(output: Prometheus, tmp_path: Path) -> None:
    output.write(window(0))
    scraper = Scraper(tmp_path, output.remark().removeprefix("http://").removesuffix("/metrics"))
    try:
        for number in (0, 1):
            output.write(window(number))
            wanted = {id_: cpu for _, _, id_, cpu, _ in expected(number)}
            until("the rows", lambda wanted=wanted: scraper.query("window_avg_cpu") == wanted)
    finally:
        scraper.stop()
