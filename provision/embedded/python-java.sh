#!/usr/bin/env bash
# The `java` of Spark 4, which always asks for the module jdk.incubator.vector. No Java on PyPI has it, and Spark computes
# the same without it.
words=()
for word; do
    [[ $word == --add-modules=jdk.incubator.vector ]] || words+=("$word")
done
exec "$EMBEDDED_JAVA/bin/java" "${words[@]}"
