"""A paragraph that brings pyspark-mqtt along: Python that imports it, from itself where it is not installed."""

import base64
import bz2
import io
import textwrap
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path

PACKED = "packed:pyspark_mqtt"
"""The `file` of such a paragraph."""

_TEXT = '''\
import base64
import bz2
import os
import sys
import tempfile

try:
    import pyspark_mqtt
except ImportError:
    # the package itself: a zip of its sources, which Python imports from and Spark gives to its executors
    packed = """
{packed}
"""
    archive = os.path.join(tempfile.mkdtemp(prefix="pyspark-mqtt-"), "pyspark_mqtt.zip")
    with open(archive, "wb") as file:
        file.write(bz2.decompress(base64.b64decode(packed)))
    sys.path.insert(0, archive)
    spark.sparkContext.addPyFile(archive)
    import pyspark_mqtt
'''
_AT = (1980, 1, 1, 0, 0, 0)


@cache
def packed_source() -> str:
    """The paragraph. It is the same wherever it is made: bzip2's output does not depend on its version."""
    folder = Path(str(files("zeppelin_notes"))) / "pyspark_mqtt"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        for path in sorted(folder.glob("*.py")):
            into.writestr(zipfile.ZipInfo(f"{folder.name}/{path.name}", _AT), path.read_bytes())
    packed = base64.b64encode(bz2.compress(archive.getvalue())).decode()
    return _TEXT.format(packed="\n".join(textwrap.wrap(packed, 116))).removesuffix("\n")
