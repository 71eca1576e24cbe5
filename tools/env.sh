# To be sourced, by the Makefile and by people: dq, spark-submit and Java on the path of this shell.
if [ -n "${BASH_VERSION:-}" ]; then
  here=${BASH_SOURCE[0]}
elif [ -n "${ZSH_VERSION:-}" ]; then
  eval 'here=${(%):-%x}'
else
  echo "source tools/env.sh in bash or zsh; this shell is neither" >&2
  return 2
fi
root=$(cd "$(dirname "$here")/.." && pwd)
JAVA_HOME=$("$root/tools/java.sh") || return $?
export JAVA_HOME
export PATH="$root/.venv/bin:$JAVA_HOME/bin:$PATH"
export PYSPARK_PYTHON="$root/.venv/bin/python" PYSPARK_DRIVER_PYTHON="$root/.venv/bin/python"
# Under cron's C locale Java sees no letter of a path that is not ASCII, and dq, which takes UTF-8 then, finds it.
[ "$(locale charmap 2>/dev/null)" != ANSI_X3.4-1968 ] || export LC_ALL=C.UTF-8
# A SPARK_HOME from elsewhere would put another Spark in front of the locked one.
unset SPARK_HOME
# Logging is configured by log4j2.properties there. Named by itself it leaves no folder on the class path of spark-submit,
# so that Java takes the archive of Spark's classes which make env wrote; a SPARK_CONF_DIR of one's own goes before.
if [ -z "${SPARK_CONF_DIR:-}" ] && [ -z "${SPARK_SUBMIT_OPTS:-}" ]; then
  SPARK_SUBMIT_OPTS="-Dlog4j2.configurationFile=\"$root/spark-conf/log4j2.properties\""
  if [ -f "$root/.venv/spark.jsa" ]; then
    SPARK_SUBMIT_OPTS="$SPARK_SUBMIT_OPTS -XX:SharedArchiveFile=\"$root/.venv/spark.jsa\" -Xlog:cds=off -Xlog:cds+dynamic=off"
  fi
  export SPARK_SUBMIT_OPTS
fi
