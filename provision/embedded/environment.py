"""The part of this tool's environment that the stack's servers inherit."""

import os

_OURS = ("NETPIE_", "PROVISION_", "ZEPPELIN_")  # credentials, and settings that are for other servers
_SPARK = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")  # another Spark's cluster, another Hadoop's file system
_MASTER = "MASTER"  # Zeppelin takes it for the address of Spark's master


def inherited() -> dict[str, str]:
    """The environment without the settings of any other NETPIE, Zeppelin, Spark or Hadoop."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith((*_OURS, *_SPARK)) and name != _MASTER
    }
