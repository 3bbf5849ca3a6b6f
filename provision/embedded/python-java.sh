#!/usr/bin/env bash
# The `java` of Spark 4. That always asks for the module jdk.incubator.vector, which no Java on PyPI has, and computes
# the same without it. Its class path begins with the folder of its settings, and Java has no archive of classes for a
# class path with a folder (spark_classes.py): Spark reads its settings by SPARK_CONF_DIR too, and log4j is told.
settings=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/conf
options=() words=()
for word; do
    case $word in
        --add-modules=jdk.incubator.vector) continue ;;
        "$settings/:"*) word=${word#"$settings/:"} ;;
        org.apache.spark.deploy.SparkSubmit)
            options+=("-Dlog4j2.configurationFile=file://$settings/log4j2.properties")
            [[ -f $EMBEDDED_CLASSES ]] && options+=("-XX:SharedArchiveFile=$EMBEDDED_CLASSES" '-Xlog:cds*=off')
            ;;
    esac
    words+=("$word")
done
exec "$EMBEDDED_JAVA/bin/java" ${options[@]+"${options[@]}"} "${words[@]}"
