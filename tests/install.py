"""Installs what the integration tests run on, and compiles the engine: `python -m tests.install`.

Quick when all is there. The tests install what is missing themselves; this does it beside checks that leave a
processor idle.
"""

from mqtt_support import sparks

from provision.console import Console
from provision.embedded.python import install_python

from .connector.conftest import engine_for, spark_for_tests
from .interop.conftest import CLIENTS, interpreter_with

if __name__ == "__main__":
    engine_for(spark_for_tests())
    install_python(Console())
    sparks.installed(sparks.VERSION)
    for client in CLIENTS:
        interpreter_with(client)
