#!/usr/bin/env bash
# The `python` of %python paragraphs: that of provision itself, with the PySpark, the pyarrow and the Java that
# provision installs when a note first wants them (provision/embedded/python.py, which sets EMBEDDED_…).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for part in "${EMBEDDED_SPARK:?}" "${EMBEDDED_PYARROW:?}" "${EMBEDDED_JAVA:?}"; do
    if [[ ! -d $part ]]; then
        echo "PySpark is not installed here: provision up --python" >&2
        exit 1
    fi
done

# Zeppelin's own PYTHONPATH names a py4j that is too old for this Spark.
py4j=("$EMBEDDED_SPARK"/python/lib/py4j-*-src.zip)
export PYTHONPATH=$EMBEDDED_SPARK/python:${py4j[0]}:$EMBEDDED_PYARROW
export PYSPARK_PYTHON=$EMBEDDED_PYTHON PYSPARK_DRIVER_PYTHON=$EMBEDDED_PYTHON
export SPARK_HOME=$EMBEDDED_SPARK SPARK_CONF_DIR=$here/conf JAVA_HOME=$here/java
export SPARK_SUBMIT_OPTS=${ZEPPELIN_INTP_JAVA_OPTS:-}
exec "$EMBEDDED_PYTHON" "$@"
