# Sourced by the Makefile: the project's Python, spark-submit and Java for one command.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JAVA_HOME=$("$root/tools/java.sh") || exit $?
export JAVA_HOME
export PATH="$root/.venv/bin:$JAVA_HOME/bin:$PATH"
export PYSPARK_PYTHON="$root/.venv/bin/python" PYSPARK_DRIVER_PYTHON="$root/.venv/bin/python"
# A SPARK_HOME from elsewhere would put another Spark in front of the locked one.
unset SPARK_HOME
