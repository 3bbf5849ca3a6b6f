"""The connector as a note has it: typed into Spark's shell, among names that a note may have taken."""

import subprocess
from pathlib import Path

import pytest

from provision.bundles.connector_jar import connector_source

pytestmark = pytest.mark.integration

TAKEN = """
    ssc topic topics client run settings level stored store log arrived message username password item
"""
USE = """
import org.apache.spark.streaming._
val ssc = new StreamingContext(sc, Milliseconds(500))
val lineStream = NetpieMqtt.createTopicStream(ssc, "URL", Seq("/app/#"), clientId = "NAME")
val shouted = lineStream.map(event => event._1 + " " + event._2.toUpperCase)
shouted.foreachRDD { rdd => rdd.collect.foreach(text => println("GOT " + text)) }
ssc.start()
val end = System.currentTimeMillis + 20000
def waiting = NetpieMqtt.counters(shouted).getOrElse("acknowledged", 0L) == 0
while (waiting && System.currentTimeMillis < end) Thread.sleep(100)
Thread.sleep(1500)
ssc.stop(stopSparkContext = false)
"""


@pytest.fixture
def script(broker, tmp_path) -> Path:
    """Types the connector line by line, uses it, and enters it again at one go, as Zeppelin does."""
    source = tmp_path / "NetpieMqtt.scala"
    source.write_text(connector_source(), encoding="utf-8")
    taken = f"val {', '.join(TAKEN.split())} = new Object\n"
    typed, pasted = (USE.replace("URL", broker.url).replace("NAME", name) for name in ("typed", "pasted"))
    script = tmp_path / "script"
    script.write_text(f"{taken}{connector_source()}{typed}:paste {source}\n{pasted}System.exit(0)\n", encoding="utf-8")
    return script


def test_a_typed_connector_streams_and_runs_again(spark, broker, script, tmp_path):
    if spark.compiler != spark.java:
        pytest.skip("this Spark's compiler, and so its shell, does not run on the Java that Spark runs on")
    shell = [
        "org.apache.spark.deploy.SparkSubmit",
        "--class",
        "org.apache.spark.repl.Main",
        "--name",
        "shell",
    ]
    shell += ["--master", "local[2]", "--jars", str(spark.paho_jar), "--conf", "spark.ui.enabled=false"]
    shell += ["--conf", "spark.executor.heartbeatInterval=300ms"]  # which brings the counters
    command = [*spark.command(options=("-Dscala.usejavacp=true",)), *shell, "spark-shell"]
    output = tmp_path / "output"
    with script.open("rb") as typed, output.open("wb") as printed:
        process = subprocess.Popen(command, cwd=tmp_path, stdin=typed, stdout=printed, stderr=subprocess.STDOUT)
        try:
            for times, text in enumerate(("first", "second"), start=1):
                broker.until(lambda b, times=times: len(b.subscriptions) == times, timeout=240)
                broker.publish(text)
            process.wait(timeout=120)
        finally:
            process.kill()
            process.wait()
    heard = [line.split("GOT ")[1] for line in output.read_text(errors="replace").splitlines() if "GOT " in line]
    assert [line for line in heard if line.endswith(("FIRST", "SECOND"))] == ["/app/x FIRST", "/app/x SECOND"]
    assert [said.client_id for said in broker.connects] == ["typed", "pasted"]
    assert len(broker.acknowledged) == broker.disconnects == 2
