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
if [[ $master =~ ^local(\[([0-9]+|\*)(,[0-9]+)?\])?$ ]]; then
  conf=local
elif [[ $master == spark://?* ]]; then
  conf=cluster
elif [[ $master == k8s://?* ]]; then
  conf=kubernetes
elif [ "$master" = yarn ]; then
  conf=yarn
else
  echo "no settings for $master; valid: spark://HOST:PORT, yarn, k8s://https://HOST:PORT, local, local[N]" >&2
  exit 2
fi
if [ ! -f "jobs/$job.py" ]; then
  echo "there is no jobs/$job.py; valid: $(cd jobs && echo *.py | sed 's/\.py//g')" >&2
  exit 2
fi
if [ "$conf" = yarn ] || [ "$conf" = kubernetes ]; then
  # The driver runs in a container: what it publishes into the folder of its archive goes with it.
  warehouse="" before=""
  for word in "$@"; do
    if [ "$before" = --warehouse ]; then warehouse=$word; fi
    case $word in --warehouse=*) warehouse=${word#--warehouse=} ;; esac
    before=$word
  done
  if [[ $warehouse != /* ]]; then
    echo "on $conf the driver runs in a container, and what it publishes below its own folder is lost: give --warehouse" \
      "an absolute path that driver and executors see and that stays (spark-conf/$conf.conf says how)" >&2
    exit 2
  fi
  # What ends here is spark-submit, whose exit code is not the job's.
  echo "the verdict stands in the run's record, not in this exit code: dq show --warehouse $warehouse" >&2
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
