"""Paragraphs that bring a package of Python along: they import it, from themselves."""

import base64
import bz2
import io
import textwrap
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path

from provision.errors import UsageError, nearest

PACKED = "packed:"
"""What begins the `file` of such a paragraph: `packed:pyspark_mqtt`."""

_FOLDERS = {"pyspark_mqtt": "pyspark_mqtt", "note_outputs": "outputs"}
"""The packages that can be packed, and their folders in `zeppelin_notes`."""

_TEXTS = {
    "pyspark_mqtt": '''\
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
    environment = spark.sparkContext.environment  # Spark 4 gives it to executors, and not to the source's own process
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [archive, environment.get("PYTHONPATH")]))
import pyspark_mqtt  # Zeppelin shows what the last statement gives, which is nothing here
''',
    "note_outputs": '''\
import base64
import bz2
import os
import sys
import tempfile

# the package itself: a zip of its sources, which Python imports from; of an earlier run there may be an older one
packed = """
{packed}
"""
archive = os.path.join(tempfile.mkdtemp(prefix="note-outputs-"), "note_outputs.zip")
with open(archive, "wb") as file:
    file.write(bz2.decompress(base64.b64decode(packed)))
for name in [name for name in sys.modules if name.partition(".")[0] == "note_outputs"]:
    del sys.modules[name]
sys.path.insert(0, archive)
import note_outputs
''',
}
_AT = (1980, 1, 1, 0, 0, 0)


@cache
def packed_source(package: str) -> str:
    """The paragraph for one of the packages; raises `UsageError` for any other.

    It is the same wherever it is made: bzip2's output does not depend on its version.
    """
    if package not in _FOLDERS:
        raise UsageError(
            f"there is no package {package!r} to bring along",
            next_step=nearest(package, _FOLDERS, f"there are {', '.join(_FOLDERS)}"),
        )
    folder = Path(str(files("zeppelin_notes"))) / _FOLDERS[package]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        for path in sorted(folder.rglob("*.py")):
            name = f"{package}/{path.relative_to(folder).as_posix()}"
            into.writestr(zipfile.ZipInfo(name, _AT), path.read_bytes())
    packed = base64.b64encode(bz2.compress(archive.getvalue())).decode()
    return _TEXTS[package].format(packed="\n".join(textwrap.wrap(packed, 116))).removesuffix("\n")
