"""`provision jar`: the connector compiled for a Spark."""

import shutil
from pathlib import Path

import click

from provision.bundles.engine_jar import build_engine_jar, spark_version
from provision.console import Console
from provision.embedded import install
from provision.options.output import json_option

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--spark-home", type=_FOLDER, envvar="SPARK_HOME", help="The Spark to compile for.  [env: SPARK_HOME]")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder for the jars.")
@json_option
@click.pass_obj
def jar(console: Console, /, spark_home: Path | None, into: Path) -> None:
    """Compile the engine for a Spark (2.4 to 4.x) and put it beside the MQTT client that it needs.

    The engine is the MQTT connector with all that a note's windows and results need.

    Spark's own Scala compiler does it; a Java runtime is installed when needed. Without --spark-home the embedded
    Spark is meant. Copy both jars, A and B, to a folder that the Zeppelin server can read, then:

    \b
    provision apply --param connector=jar --param mqtt_jars=/DIR/A.jar,/DIR/B.jar
    """
    spark = spark_home or install.install_spark("spark-3.1.3", console)
    jre = install.install_jre("jre-11" if spark_version(spark) < (3, 3) else "jre-17", console)
    paho = install.install_mqtt(spark, console)
    into.mkdir(parents=True, exist_ok=True)
    with console.step("compiling the engine"):
        engine = build_engine_jar(spark, jre / "bin" / "java", paho, into.absolute())
    client = Path(shutil.copy(paho, into.absolute()))
    console.result({"jars": [str(engine), str(client)]}, f"{engine}\n{client}")
