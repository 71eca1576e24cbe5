"""Write the archive of Spark's classes that JVMs of this environment map into memory, to start sooner.

Run by ``make env`` after an installation; does nothing once it was tried with the Java and the Spark that are there, so
that a machine too slow for it is not kept busy by every ``make``. An archive that does not fit is passed over by Java,
so nothing depends on it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAY_TAKE = 180


def main() -> int:
    """Write the archive where there is none that fits."""
    from dq.spark.session import class_archive

    archive = class_archive()
    made_for = archive.with_suffix(".for")
    java = Path(os.environ["JAVA_HOME"], "bin", "java")
    version = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr  # noqa: S603 - our Java
    wanted = version + (ROOT / ".venv" / ".locked").read_text(encoding="utf-8")
    if made_for.is_file() and made_for.read_text(encoding="utf-8") == wanted:
        return 0
    print("archiving Spark's classes, so that it starts sooner (once)", file=sys.stderr)
    archive.unlink(missing_ok=True)
    fresh = archive.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    # No folder may stand on the class path of an archive; see dq/spark/session.py.
    os.environ.pop("SPARK_CONF_DIR", None)
    os.environ["SPARK_SUBMIT_OPTS"] = f'-XX:ArchiveClassesAtExit="{fresh}" -Xlog:cds=off -Xlog:cds+dynamic=off'
    try:
        run_something()
    except Exception as error:
        fresh.unlink(missing_ok=True)  # it may be half of one
        again = f"to try again: rm {shlex.quote(str(made_for))}"
        print(f"no archive was made ({type(error).__name__}); Spark starts without it; {again}", file=sys.stderr)
    if fresh.is_file():
        fresh.replace(archive)
    made_for.write_text(wanted, encoding="utf-8")
    return 0


def run_something() -> None:
    """Use of Spark what every job uses, then wait until the JVM has written the archive."""
    from pyspark import SparkContext
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    from dq.spark.session import session

    spark = session("classes", ROOT / "spark-conf")
    with tempfile.TemporaryDirectory() as folder:
        spark.range(1000).withColumn("day", F.expr("date_add(date'2026-01-01', int(id % 3))")).write.partitionBy(
            "day"
        ).parquet(f"{folder}/rows")
        rows = spark.read.parquet(f"{folder}/rows")
        days = rows.groupBy("day").agg(F.sum(F.col("id").cast("decimal(18,2)")).alias("total"))
        ranked = rows.withColumn("n", F.row_number().over(Window.partitionBy("day").orderBy("id")))
        ranked.join(days, on="day", how="inner").repartition("day").sortWithinPartitions("day", "id").write.parquet(
            f"{folder}/joined"
        )
        ranked.where("n = 1").collect()
        spark.createDataFrame([(1, "a")], "id int, name string").join(rows, on="id", how="left").count()
    gateway = SparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(timeout=MAY_TAKE)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()  # it would go on writing beside whatever runs next
        raise


if __name__ == "__main__":
    sys.exit(main())
