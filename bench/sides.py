"""The two sides of a measure: this project's note and the document's, fed to the same Spark from the same broker."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.shell import Shell
from provision.bundles.bundle import load_bundle
from provision.bundles.engine_jar import build_engine_jar
from provision.bundles.render import RenderedNote, default_path, render
from provision.bundles.roles import Role
from provision.console import Console
from provision.embedded.runtime import Choice, Runtime, install_runtime
from provision.home import cache_dir
from provision.platforms.netpie2015 import TITLE, Netpie2015
from zeppelin_sdk import ServerVersion

APP, TOPIC = "Bench", "metrics"
MQTT_TOPIC = f"/{APP}/{TOPIC}"
OURS, BASELINE, STRUCTURED = "ours", "baseline", "structured"
BUNDLES = {OURS: "streaming", BASELINE: "classic", STRUCTURED: "structured"}


@dataclass(frozen=True)
class Times:
    """Seconds. A batch is as long as a slide; of `structured` it can be shorter, `batch`."""

    window: int = 60
    slide: int = 10
    batch: int = 0

    def batch_of(self, side: str) -> int:
        return self.batch if side == STRUCTURED and self.batch else self.slide


@dataclass(frozen=True)
class Machine:
    """The Spark and the connector of both sides."""

    runtime: Runtime
    connector_jar: Path


def machine() -> Machine:
    """The embedded Spark, installed when it is missing, and the connector compiled for it."""
    runtime = install_runtime(Choice(), Console())
    jar = build_engine_jar(runtime.spark_home, runtime.java, runtime.paho_jar, cache_dir() / "jars")
    return Machine(runtime, jar)


def note(side: str, machine: Machine, broker_url: str, times: Times, out: Path, **more: str) -> RenderedNote:
    """A side's note as it would go to a server: the files variant, with a login for a broker that asks for none.

    `classic` takes the document's `MQTTUtils` from this project's jar, as Bahir's package is not to be had everywhere.
    """
    bundle = load_bundle(BUNDLES[side])
    given = {
        "appid": APP,
        "topic": TOPIC,
        "variant": "csv",
        "slide": str(times.slide),
        "window": str(times.window),
        "out": str(out),
        "secrets": "inline",
        "batch": str(times.batch_of(side)),
        **({} if side == STRUCTURED else {"mqtt_jars": _jars(side, machine)}),
        **({"connector": "jar"} if side == BASELINE else {}),
        **more,
    }
    values = bundle.values(given)
    path = default_path(bundle, values, TITLE)
    login = Netpie2015(broker_url, "Key", f"bench-{side}", "Key%1", "none", "none&none").connection(values, path)
    return render(bundle, values, login, zeppelin=ServerVersion(0, 10, 0), scala="2.12", path=path)


def _jars(side: str, machine: Machine) -> str:
    jars = [machine.connector_jar] if side == BASELINE else []
    return ",".join(map(str, [*jars, machine.runtime.paho_jar]))


def properties(rendered: RenderedNote) -> dict[str, str]:
    """Spark's properties as the note's `%spark.conf` paragraphs set them."""
    lines = [line for text in _texts(rendered, "spark.conf").values() for line in text.splitlines()]
    pairs = (line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#"))
    return {name: value.strip() for name, value in pairs}


def paragraphs(rendered: RenderedNote) -> dict[str, str]:
    """The Scala paragraphs up to the one that starts the stream, by key, without the document's line that waits for
    the stream's end and those that only Zeppelin's shell can run."""
    roles = {paragraph.key: paragraph.role for paragraph in rendered.paragraphs}
    found = {}
    for key, text in _texts(rendered, "spark").items():
        found[key] = _ONLY_IN_ZEPPELIN.sub("", text.replace("\nssc.awaitTermination", ""))
        if roles[key] == Role.START:
            break
    return found


def stream_of(rendered: RenderedNote) -> str:
    """The key of the paragraph that makes the stream."""
    (found,) = (key for key, text in paragraphs(rendered).items() if _MAKES_STREAM.search(text))
    return found


def _texts(rendered: RenderedNote, interpreter: str) -> dict[str, str]:
    split = {paragraph.key: paragraph.text.partition("\n") for paragraph in rendered.paragraphs}
    return {key: text for key, (first, _, text) in split.items() if first.partition("(")[0] == f"%{interpreter}"}


_ONLY_IN_ZEPPELIN = re.compile(r"^org\.apache\.zeppelin\..*$", re.MULTILINE)
_MAKES_STREAM = re.compile(r"val \w+ = \w+\.create\w*Stream\(")
LISTENER = (Path(__file__).parent / "listener.scala").read_text(encoding="utf-8")


def only_received(rendered: RenderedNote, then: str, *, stream: str = "") -> dict[str, str]:
    """What a stream needs, without windows: with `then` to use it, and `stream` in the place of its own."""
    roles = {paragraph.key: paragraph.role for paragraph in rendered.paragraphs}
    texts, key = paragraphs(rendered), stream_of(rendered)
    *before, start = texts.items()
    needed = {name: text for name, text in before[: [*texts].index(key)] if roles[name] in ("", Role.STOP)}
    return {**needed, key: stream or texts[key], "then": then, **dict([start])}


@contextmanager
def running(
    texts: Mapping[str, str], settings: Mapping[str, str], machine: Machine, folder: Path, *, master: str = "local[*]"
) -> Iterator[Shell]:
    """A shell with Spark's properties `settings`, in which these paragraphs have run, the listener before the last."""
    *_, start = texts
    shell = Shell(machine.runtime, folder, settings, master=master)
    try:
        for key, text in texts.items():
            if key == start:
                shell.paste("listener", LISTENER)
            shell.paste(key, text)
        yield shell
    finally:
        shell.close()
