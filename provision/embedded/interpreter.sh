#!/usr/bin/env bash
# Starts one interpreter process for the Zeppelin server, which calls it with
#   -d interpreter folder  -c callback host  -p callback port  -r port range  -i group id  -l local repository  -g setting
# Spark's interpreter runs under spark-submit; any other one in a plain JVM. `exec` all the way: the server's signals
# reach the JVM itself, and no shell stays behind.
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder='' host='' port='' ports=':' group='' repository=''
while getopts 'd:c:p:r:i:l:g:u:' option; do
    case $option in
        d) folder=$OPTARG ;;
        c) host=$OPTARG ;;
        p) port=$OPTARG ;;
        r) ports=$OPTARG ;;
        i) group=$OPTARG ;;
        l) repository=$OPTARG ;;
        g | u) ;;
        *) exit 2 ;;
    esac
done
if [[ -z $folder || -z $host || -z $port || -z $group ]]; then
    echo 'usage: interpreter.sh -d FOLDER -c HOST -p PORT -r PORTS -i GROUP -l REPOSITORY -g SETTING' >&2
    exit 2
fi

main=org.apache.zeppelin.interpreter.remote.RemoteInterpreterServer
log=${ZEPPELIN_LOG_DIR}/interpreter-$(basename "$folder").log
options="-Dfile.encoding=UTF-8 -Dlog4j.configuration=file://${ZEPPELIN_CONF_DIR}/log4j.properties -Dzeppelin.log.file=$log"
options+=" ${ZEPPELIN_INTP_JAVA_OPTS:-}"
rpc=("$home"/interpreter/zeppelin-interpreter-shaded-*.jar)
classpath=${ZEPPELIN_INTP_CLASSPATH_OVERRIDES:?}:${repository:+$repository/*:}$folder/*:${rpc[0]}

if [[ $(basename "$folder") == spark ]]; then
    IFS='|' read -r -a conf <<<"${ZEPPELIN_SPARK_CONF:-}"
    jar=("$folder"/spark-interpreter-*.jar)
    exec "$SPARK_HOME/bin/spark-submit" --class "$main" --driver-class-path "$classpath" \
        --driver-java-options "$options" ${conf[@]+"${conf[@]}"} "${jar[0]}" "$host" "$port" "$group" "$ports"
fi
if [[ -d $folder/bin ]]; then
    export PATH=$folder/bin:$PATH
fi
# What it computes is little, and its start is waited for.
# shellcheck disable=SC2086  # the options are words
exec "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC $options ${ZEPPELIN_INTP_MEM:--Xmx256m} -cp "$classpath" "$main" "$host" "$port" "$group" "$ports"
