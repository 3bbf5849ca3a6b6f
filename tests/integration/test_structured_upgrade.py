"""A note of `structured` goes on where an earlier version of it has stopped."""

from pathlib import Path

from mqtt_support import sparks

from provision.mqtt.login import Login
from provision.publisher import Publisher

from .mosquitto import mosquitto
from .streams import wait_for
from .test_structured_spark3 import averages, note, publish

TODAY = "self._goes_on_with_clock_first()"


def test_a_session_goes_on_where_the_sources_were_in_the_other_order(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        url = f"tcp://127.0.0.1:{broker.port}"
        values = {"broker": url, "variant": "csv", "slide": "2", "window": "4", "qos": "2", "session": "persistent"}
        with Publisher(lambda: Login(url, "publisher"), "/MyApp/metrics", qos=2) as link:

            def as_it_was(key: str, text: str) -> str:
                assert key != "slices" or TODAY in text
                return text.replace(TODAY, "True")

            with note(sparks.VERSION, tmp_path, as_it_was, **values) as first:
                publish(link, "first", *[4] * 40)
                wait_for("its average", lambda: averages(tmp_path, "first") >= {4.0})
                first.run("stop")
                publish(link, "away", 7)
            for name in ("second", "third"):
                with note(sparks.VERSION, tmp_path, **values) as running:
                    publish(link, name, 9)
                    wait_for(name, lambda name=name: averages(tmp_path, name) == {9.0})
                    assert averages(tmp_path, "away") == {7.0}
                    assert any("events=" in line for line in running.run("latest"))
                    running.run("stop")
