"""Installs what the integration tests run on, and compiles the engine: `python -m tests.install`, or `… long`.

Quick when all is there. The tests install what is missing themselves; this does it beside checks that leave a
processor idle.
"""

import sys

from mqtt_support import sparks

from provision.console import Console
from provision.embedded.python import install_python

from .connector.conftest import engine_for, spark_for_tests
from .integration.test_structured_spark3 import VERSIONS
from .interop.conftest import CLIENTS, interpreter_with

if __name__ == "__main__":
    engine_for(spark_for_tests())
    install_python(Console())
    for version in (sparks.VERSION, *(VERSIONS if "long" in sys.argv[1:] else [])):
        sparks.installed(version)
    for client in CLIENTS:
        interpreter_with(client)
