"""Where Spark runs and with which properties: what is taken, what is refused, and where it stands in a note."""

import pytest
from click.testing import CliRunner

from provision.bundles.bundle import load_bundle
from provision.bundles.values.spark import check_master, check_properties
from provision.cli import provision as command_line
from provision.errors import UsageError

from ..rendering import ZEPPELIN_8, code, rendered


@pytest.fixture(params=["classic", "streaming"])
def bundle(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "master",
    [
        "", "local", "local[4]", "local[*]", "local[*,3]", "spark://host:7077", "spark://a.b-c:7077,d:7078",
        "spark://[::1]:7077", "yarn", "yarn-client", "k8s://https://10.0.0.1:443", "k8s://api.example:6443",
    ],
)  # fmt: skip
def test_addresses_of_masters_are_taken(master: str) -> None:
    assert check_master(master) == master


@pytest.mark.parametrize(
    "master",
    [
        "local[]", "local[x]", "local [2]", "spark://host", "spark://", "http://host:7077", "spark://a:1\nspark.x y",
        "spark://user@host:1", "k8s://", "yarn ", "spark://a:1,", "mesos",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_master_is_refused(master: str) -> None:
    with pytest.raises(UsageError, match="spark_master"):
        check_master(master)


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("", []),
        ("spark.executor.memory=2g, spark.cores.max=4", ["spark.executor.memory=2g", "spark.cores.max=4"]),
        ("spark.a.b=x,y,spark.c=z", ["spark.a.b=x,y", "spark.c=z"]),
        ("spark.executor.extraJavaOptions=-Da=b -Dc=d", ["spark.executor.extraJavaOptions=-Da=b -Dc=d"]),
    ],
)
def test_properties_are_read_one_by_one(text: str, properties: list[str]) -> None:
    assert check_properties(text) == properties
    assert check_properties(",".join(properties)) == properties


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spark.cores.max", "NAME=VALUE"),
        ("spark.cores.max=", "NAME=VALUE"),
        ("executor.memory=2g", "NAME=VALUE"),
        ("spark.x y=1", "NAME=VALUE"),
        ("=1", "NAME=VALUE"),
        ("spark.a=1,spark.a=2", "twice"),
        ("spark.a=1|--conf|spark.b=2", "character"),
        ("spark.a=1\nspark.b 2", "character"),
        ("spark.master=yarn", "of its own"),
        ("spark.jars=/a.jar", "of its own"),
        ("spark.authenticate.secret=x", "secret"),
        ("spark.ssl.keyPassword=x", "secret"),
        ("spark.hadoop.fs.s3a.access.key=x", "secret"),
        ("spark.hadoop.google.credentials=x", "secret"),
        ("spark.hadoop.fs.s3a.secret.key=x", "secret"),
        ("spark.hadoop.fs.s3a.session.token=x", "secret"),
        ("spark.hadoop.fs.s3a.encryption.key=x", "secret"),
        ("spark.hadoop.fs.azure.account.key.me.blob.core.windows.net=x", "secret"),
        ("spark.hadoop.fs.azure.sas.box.me.blob.core.windows.net=x", "secret"),
        ("spark.hadoop.javax.jdo.option.ConnectionPassword=x", "secret"),
        ("spark.executorEnv.DB_PWD=x", "secret"),
        ("spark.executorEnv.MYSQL_PASS=x", "secret"),
        ("spark.yarn.appMasterEnv.API_KEY=x", "secret"),
        ("spark.driver.extraJavaOptions=-Xmx1g -Dpassword=x", "secret"),
        ("spark.driver.extraJavaOptions=-Djavax.net.ssl.keyStorePassword=x -Da=b", "secret"),
        ("spark.executor.extraJavaOptions=-Dfs.s3a.secret.key=x", "secret"),
        ("spark.driver.extraJavaOptions=-Dmy.api-key=x", "secret"),
        ("spark.driver.defaultJavaOptions=--password x", "secret"),
        ("spark.hadoop.javax.jdo.option.ConnectionURL=jdbc:mysql://h/db?user=u&password=x", "secret"),
        ("spark.x.connection=DefaultEndpointsProtocol=https;AccountName=me;AccountKey=x==", "secret"),
        ("spark.x.url=https://h/c?sv=1&sig=x", "secret"),
        ("spark.jars.repositories=https://me:x@repo.example/maven", "secret"),
        ("spark.hadoop.fs.defaultFS=s3a://AKIAABCDEFGHIJKLMNOP:x@bucket", "secret"),
        ("spark.x.header=Authorization: Bearer abcdefghijkl", "secret"),
        *(
            (text, "secret")
            for text in (
                "spark.executor.extraJavaOptions=-Dpw=x",
                "spark.executor.extraJavaOptions=-Dmqtt.pw:x -Da=b",
                "spark.executor.extraJavaOptions=-DdbPw=x",
                "spark.executor.extraJavaOptions=-Dhttp.proxyUser=u -Dhttp.proxyPass=x",
                "spark.executor.extraJavaOptions=-Dapp.key=x",
                "spark.executor.extraJavaOptions=-Dauth=user:x",
                "spark.executor.extraJavaOptions=-Dcookie=x",
                "spark.executor.extraJavaOptions=-Dmqtt.secret\\=x",
                "spark.driver.extraJavaOptions=-javaagent:/a.jar=pw=x",
                "spark.driver.extraJavaOptions=--pw x",
                "spark.executorEnv.DB_PW=x",
                "spark.executorEnv.PW=x",
                "spark.executorEnv.KEY=x",
                "spark.executorEnv.APPKEY=x",
                "spark.hadoop.fs.s3n.awsAccessKeyId=x",
                "spark.redis.auth=x",
                "spark.x.userpw=x",
                "spark.x.passcode=x",
                "spark.x.settings={'pw': 'x'}",
                "spark.x.query=user%3Du%26password%3Dx",
                "spark.x.url=https://x@github.example/a",
                "spark.x.url=https://h/?X-Amz-Signature=x",
                "spark.x.url=https://h/?key=x",
                "spark.x.hosts=u:x@h:27017",
                "spark.x.a=ghp_abcdefghijklmnopqrstuvwxyz0123456789",
                "spark.x.a=xoxb-123456789012-abcdefghij",
                "spark.x.a=AIzaSyA1234567890123456789012345678901",
            )
        ),  # fmt: skip
    ],
)
def test_properties_that_can_do_harm_are_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_properties(text)


@pytest.mark.parametrize(
    "text",
    [
        "spark.io.encryption.keySizeBits=256",
        "spark.io.encryption.enabled=true",
        "spark.authenticate=true",
        "spark.sql.shuffle.partitions=8",
        "spark.ui.port=4041",
        "spark.jars.repositories=https://repo.example:8443/maven2",
        "spark.hadoop.fs.defaultFS=abfss://box@me.dfs.core.windows.net/",
        "spark.hadoop.dfs.nameservices=hdfs://ann@nn:8020/x",
        "spark.driver.extraJavaOptions=-Duser.timezone=Asia/Bangkok -XX:+UseG1GC -Dsignal=on -Dbypass=1",
        "spark.kerberos.principal=me/host@REALM",
        "spark.serializer=org.apache.spark.serializer.KryoSerializer",
        "spark.executorEnv.MONKEY=1",
        "spark.security.credentials.hive.enabled=false",
        "spark.sql.tokenizer=x",
        "spark.hadoop.mapreduce.output.key.class=x",
        "spark.x.partition.key=id",
        "spark.network.crypto.keyLength=128",
        "spark.ssl.keyStore=/k.jks",
        "spark.cassandra.keyspace=x",
        "spark.yarn.tags=powered",
    ],
)
def test_properties_without_a_secret_are_taken(text: str) -> None:
    assert check_properties(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "spark.authenticate.secret=hush",
        "fs.s3a.secret.key=hush",
        "javax.jdo.option.ConnectionPassword=hush",
        "hush",
        "spark.x.token=1, hush",
        "spark.driver.extraJavaOptions=-Dpassword=hush",
        "spark.jars.repositories=https://me:hush@repo.example",
        "spark.a b=hush",
    ],
)
def test_a_refused_secret_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_properties(text)
    assert "hush" not in f"{refused.value.message} {refused.value.next_step}"


def test_master_and_properties_stand_in_the_dependencies(bundle: str) -> None:
    note = rendered(bundle, spark_master="spark://h:7077", spark_properties="spark.cores.max=4,spark.x=${y},z")
    lines = code(note, "dependencies").splitlines()
    assert "spark.master spark://h:7077" in lines
    assert "spark.cores.max 4" in lines
    assert "spark.x \\u0024\\u007by\\u007d,z" in lines


def test_a_note_without_them_leaves_spark_as_the_server_has_it(bundle: str) -> None:
    assert "spark.master" not in code(rendered(bundle), "dependencies")


def test_they_come_back_from_what_a_note_was_made_of(bundle: str) -> None:
    given = {"spark_master": "local[2]", "spark_properties": "spark.a=1,2,spark.b=3"}
    note = rendered(bundle, **given)
    values = load_bundle(bundle).values(note.values)
    assert (values["spark_master"], values["spark_properties"]) == ("local[2]", ["spark.a=1,2", "spark.b=3"])


def test_a_server_that_takes_them_from_no_note_says_so() -> None:
    with pytest.raises(UsageError, match=r"before 0\.9"):
        rendered("classic", zeppelin=ZEPPELIN_8, spark_master="local[2]")


@pytest.mark.parametrize("command", ["plan", "apply", "demo"])
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--spark-property", "spark.a=1", "--spark-property", "b"], "NAME=VALUE"),
        (["--spark-master", "yarn", "--param", "spark_master=local"], "as a parameter and as an option"),
    ],
)
def test_the_options_are_parameters(command: str, options: list[str], why: str) -> None:
    done = CliRunner().invoke(command_line, [command, *options])
    assert isinstance(done.exception, UsageError)
    assert why in done.exception.message
