#!/usr/bin/env bash
# Packs the dependencies and submits a job to a cluster: tools/submit.sh MASTER JOB [argument...]
# The settings are those of spark-conf/ for that kind of master; SUBMIT_ARGS adds arguments of spark-submit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
master=${1:-} job=${2:-}
if [ -z "$master" ] || [ -z "$job" ]; then
  echo 'say where: make submit MASTER=spark://HOST:7077 JOB=profit_unit ARGS="--period 2026-10 --as-of TIME"' >&2
  exit 2
fi
shift 2
case $master in
  spark://*) conf=cluster ;;
  yarn) conf=yarn ;;
  k8s://*) conf=kubernetes ;;
  local*) conf=local ;;
  *) echo "no settings for $master; valid: spark://HOST:PORT, yarn, k8s://HOST:PORT, local[N]" >&2; exit 2 ;;
esac
if [ ! -f "jobs/$job.py" ]; then
  echo "there is no jobs/$job.py; valid: $(cd jobs && echo *.py | sed 's/\.py//g')" >&2
  exit 2
fi
words=(--master "$master" --properties-file "spark-conf/$conf.conf")
if [ "$conf" != local ]; then
  python tools/archive.py build/dq.tar.gz
  words+=(--archives "build/dq.tar.gz#deps")
  # Executors log JSON; where the cluster's nodes have their own logging, theirs is used.
  export SPARK_CONF_DIR="$PWD/spark-conf/json"
  unset SPARK_SUBMIT_OPTS
fi
if [ "$conf" = cluster ]; then
  mkdir -p build/spark-events
  words+=(--conf "spark.eventLog.dir=file://$PWD/build/spark-events")
  # The path of this machine's Python means nothing on another; the driver keeps it.
  export PYSPARK_PYTHON=${CLUSTER_PYTHON:-python3}
elif [ "$conf" != local ]; then
  unset PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON
fi
# shellcheck disable=SC2086 # SUBMIT_ARGS holds several words
exec spark-submit "${words[@]}" ${SUBMIT_ARGS:-} "jobs/$job.py" "$@"
