"""The engine as a note has it: entered into Spark's shell, among names that a note may have taken."""

import re
import subprocess
from pathlib import Path

import pytest

from provision.bundles.engine import engine_sources, typed_part, typed_parts

pytestmark = pytest.mark.integration

TAKEN = """
    ssc topic topics client run settings level stored store log arrived message username password item
"""
COLUMNS = """
object Columns {
  val fields = "ts Timestamp, id String"
  val timeFormat = "yyyy-MM-dd'T'HH:mm:ssZ"
  val isEvent = "id is not null"
  val time = "ts"
}
"""
USE = """
import org.apache.spark.streaming._
val ssc = new StreamingContext(sc, Milliseconds(500))
Results.of(ssc)
val lineStream = NetpieMqtt.createTopicStream(ssc, "URL", Seq("/app/#"), clientId = "NAME")
val shouted = lineStream.map(event => event._1 + " " + event._2.toUpperCase)
shouted.foreachRDD { rdd => rdd.collect.foreach(text => println("GOT " + text)) }
val windows = Slices.of(lineStream, Columns, window = Seconds(1), slide = Milliseconds(500))
spark.conf.set("netpie.query", "select id, topic, count(*) from measure where id is not null group by id, topic")
@volatile var seen = false
windows.foreachWindow { (rows, time) => rows.collect.foreach { row => println("ROW " + row); seen = true } }
ssc.start()
val end = System.currentTimeMillis + 90000
def waiting = !seen || NetpieMqtt.counters(shouted).getOrElse("acknowledged", 0L) == 0
while (waiting && System.currentTimeMillis < end) Thread.sleep(100)
ssc.stop(stopSparkContext = false)
Results.show(0)
"""
EVENT = '{{"ts": "2018-10-29T09:53:36+0700", "id": "{}"}}'


def serializable_classes() -> list[str]:
    """The engine's classes that Spark takes to executors."""
    found = re.compile(r"^final class (\w+)[^{]*?\bextends\b[^{]*?\bSerializable\b[^{]*\{", re.MULTILINE)
    return [name for text in engine_sources().values() for name in found.findall(text)]


def holders() -> str:
    """A line that tells which of these classes hold the shell's wrapper object, and so all that a note has defined."""
    classes = ", ".join(f"classOf[{name}{'[_]' if name == 'NetpieReceiver' else ''}]" for name in held_to())
    return (
        f"val all: Seq[Class[_]] = Seq({classes})\n"
        'for (one <- all; field <- one.getDeclaredFields if field.getName == "$outer") '
        'println("HOLDS " + one.getName)\n'
        'println("LOOKED AT " + all.size)\n'
    )


def held_to() -> list[str]:
    return [*serializable_classes(), "NetpieReceiver"]  # which is Serializable as every receiver is


@pytest.fixture(params=["pasted", "typed"])
def script(request, broker, tmp_path) -> Path:
    """Enters the engine, at one go as Zeppelin does or line by line, uses it, and does both once more at one go."""
    parts = {name: typed_part(name) for name in typed_parts()}
    for name, text in parts.items():
        (tmp_path / f"{name}.scala").write_text(text, encoding="utf-8")
    taken = f"val {', '.join(TAKEN.split())} = new Object\n"
    pasted = "".join(f":paste {tmp_path / name}.scala\n" for name in parts)
    entered = pasted if request.param == "pasted" else "".join(f"{text}\n" for text in parts.values())
    first, second = (USE.replace("URL", broker.url).replace("NAME", name) for name in ("first", "second"))
    script = tmp_path / "script"
    script.write_text(
        f"{taken}{COLUMNS}{entered}{holders()}{first}{pasted}{second}System.exit(0)\n", encoding="utf-8"
    )  # fmt: skip
    return script


@pytest.mark.long
def test_an_engine_that_was_entered_streams_and_runs_again(spark, broker, script, tmp_path):
    if spark.compiler != spark.java:
        pytest.skip("this Spark's compiler, and so its shell, does not run on the Java that Spark runs on")
    shell = [
        "org.apache.spark.deploy.SparkSubmit",
        "--class",
        "org.apache.spark.repl.Main",
        "--name",
        "shell",
    ]
    shell += ["--master", "local[4]", "--jars", str(spark.paho_jar), "--conf", "spark.ui.enabled=false"]
    shell += ["--conf", "spark.executor.heartbeatInterval=300ms"]  # which brings the counters
    command = [*spark.command(options=("-Dscala.usejavacp=true",)), *shell, "spark-shell"]
    output = tmp_path / "output"
    with script.open("rb") as typed, output.open("wb") as printed:
        process = subprocess.Popen(command, cwd=tmp_path, stdin=typed, stdout=printed, stderr=subprocess.STDOUT)
        try:
            for times, text in enumerate(("first", "second"), start=1):
                broker.until(lambda b, times=times: len(b.subscriptions) == times, timeout=240)
                broker.publish(EVENT.format(text))
            process.wait(timeout=180)
        finally:
            process.kill()
            process.wait()
    lines = output.read_text(errors="replace").splitlines()
    heard = [line.split("GOT ")[1] for line in lines if "GOT " in line]
    wanted = [f"/app/x {EVENT.format(text)}".upper() for text in ("first", "second")]
    assert [line.upper() for line in heard if "FIRST" in line or "SECOND" in line] == wanted
    rows = [line.split("ROW ")[1] for line in lines if "ROW [" in line]
    assert list(dict.fromkeys(rows)) == ["[first,/app/x,1]", "[second,/app/x,1]"]
    assert [line.split("counts: ")[1].split()[0] for line in lines if "counts: events=" in line] == ["events=1"] * 2
    assert f"LOOKED AT {len(held_to())}" in output.read_text(errors="replace")
    assert [line for line in lines if "HOLDS " in line and "println" not in line] == []
    assert [said.client_id for said in broker.connects] == ["first", "second"]
    assert len(broker.acknowledged) == broker.disconnects == 2
