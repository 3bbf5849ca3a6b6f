"""The classic bundle against the code of "Connect Spark Streaming to NETPIE IoT Cloud Platform", copied here."""

import pytest

from provision.bundles.literals.stored import reading
from provision.bundles.literals.values import Secret
from provision.platforms.netpie2015 import entities

from ..rendering import LOGIN, ZEPPELIN_8, ZEPPELIN_9, code, interpreters, rendered

DEPENDENCY = 'z.load("org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1")'

CONTEXT = """\
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming._
import org.apache.spark.streaming.mqtt._

val ssc = new StreamingContext(sc, Seconds(10))"""

STREAM = """\
val lineStream = MQTTUtils.createStream(ssc,
                 brokerUrl="tcp://HOST:PORT",
                 topic="/APPID/MYTOPIC",
                 storageLevel=StorageLevel.MEMORY_ONLY_SER_2,
                 clientId=Some(CLIENTID),
                 username=Some(USERNAME),
                 password=Some(PASSWORD),
                 cleanSession=None,
                 qos=None,
                 connectionTimeout=None,
                 keepAliveInterval=None,
                 mqttVersion=None)"""

WINDOW = "val lineStream60 = lineStream.window(Seconds(60), Seconds(10))"

PRINT = "lineStream60.print"

AVERAGE = """\
lineStream60.foreachRDD( rdd => {
    val ds = spark.createDataset(rdd)
    val measureDF = spark.read.schema("ts Timestamp, id String, loadavg double, cpu double, mem double").\
option("timestampFormat", "yyyy-MM-dd'T'HH:mm:ssZ").json(rdd)
    measureDF.createOrReplaceTempView("measure")
    val avgDF = spark.sql("select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem) from measure \
group by id order by ts, id")
    avgDF.show
})"""

CSV = """\
lineStream60.foreachRDD( rdd => {
    val ds = spark.createDataset(rdd)
    val measureDF = spark.read.schema("ts Timestamp, id String, loadavg double, cpu double, mem double").\
option("timestampFormat", "yyyy-MM-dd'T'HH:mm:ssZ").json(rdd)
    measureDF.createOrReplaceTempView("measure")
    val avgDF = spark.sql("select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem) from measure \
group by id order by ts, id")
    avgDF.repartition(1).write.csv("/tmp/avg-" + System.currentTimeMillis)
})"""

START = """\
ssc.start
ssc.awaitTermination"""

OUTPUTS = {"print": PRINT, "average": AVERAGE, "csv": CSV}


def filled(client_id: str, username: str, password: str) -> str:
    """The document's stream paragraph with its placeholders filled."""
    return (
        STREAM.replace("tcp://HOST:PORT", "tcp://broker.example:1883")
        .replace("/APPID/MYTOPIC", "/MyApp/metrics")
        .replace("CLIENTID", f'"{client_id}"')
        .replace("USERNAME", f'"{username}"')
        .replace("PASSWORD", f'"{password}"')
    )


@pytest.mark.parametrize("zeppelin", [ZEPPELIN_8, ZEPPELIN_9])
@pytest.mark.parametrize("variant", ["print", "average", "csv"])
def test_with_default_parameters_every_paragraph_is_the_documents(variant: str, zeppelin: tuple[int, int, int]) -> None:
    note = rendered("classic", variant=variant, zeppelin=zeppelin, scala="2.11", secrets="inline")
    assert [paragraph.key for paragraph in note.paragraphs] == [
        "dependencies", "context", "stream", "window", "output", "start",
    ]  # fmt: skip
    assert code(note, "context") == CONTEXT
    assert code(note, "stream") == filled(LOGIN.client_id, LOGIN.username, LOGIN.password)
    assert code(note, "window") == WINDOW
    assert code(note, "output") == OUTPUTS[variant]
    assert code(note, "start") == START
    assert interpreters(note)[1:] == ["%spark"] * 5


def test_secrets_in_the_store_change_the_placeholders_only() -> None:
    note = rendered("classic")
    thing, session = entities(LOGIN.appkey, note.path)
    places = {"client": (thing, "user"), "name": (session, "user"), "word": (session, "password")}
    text = filled(*places)
    for place, (entity, part) in places.items():
        text = text.replace(f'"{place}"', reading(Secret(entity, part, "")))
    assert code(note, "stream") == text
    assert interpreters(note) == ["%spark.conf", *["%spark"] * 5]


def test_the_document_s_package_is_loaded_by_z_load_before_0_9() -> None:
    note = rendered("classic", zeppelin=ZEPPELIN_8, scala="2.11")
    assert note.paragraphs[0].text == f"%spark.dep\n{DEPENDENCY}"


def test_the_document_s_package_is_in_spark_s_configuration_from_0_9_on() -> None:
    note = rendered("classic", zeppelin=ZEPPELIN_9, scala="2.11")
    lines = note.paragraphs[0].text.splitlines()
    assert lines[0] == "%spark.conf"
    assert "spark.jars.packages org.apache.bahir:spark-streaming-mqtt_2.11:2.2.1" in lines


def test_only_the_last_paragraph_runs_as_long_as_the_stream() -> None:
    assert [paragraph.key for paragraph in rendered("classic").paragraphs if paragraph.blocks] == ["start"]


def test_parameters_reach_the_places_that_the_document_has_them_in() -> None:
    note = rendered("classic", batch="5", window="300", slide="30", out="hdfs://nn/data", topic='a"b/$c')
    assert code(note, "context") == CONTEXT.replace("10", "5")
    assert code(note, "window") == WINDOW.replace("60), Seconds(10", "300), Seconds(30")
    assert code(note, "output") == CSV.replace("/tmp/avg-", "hdfs://nn/data/avg-")
    assert 'topic="/MyApp/a\\"b/$c",' in code(note, "stream")
