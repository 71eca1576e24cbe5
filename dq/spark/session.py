"""The one place that builds the Spark session."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from dq.base import private
from dq.base.errors import DqError
from dq.spark import spark_versions as versions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_HELP = "install a Java 17 or 21 runtime (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"

# Said at every start: that Spark brings a module of Java that is still being tried out, and how it logs by itself.
_CHATTER = (
    b"WARNING: Using incubator modules",
    b"Using Spark's default log4j profile",
    b'Setting default log level to "',
    b"To adjust logging level use ",
)

_LOGGING = "-Dlog4j2.configurationFile="
_ARCHIVE = "-XX:SharedArchiveFile="

_KEEP = Lock()
_readers: dict[object, int] = {}
_replaced: dict[tuple[object, str], str | None] = {}

# Settings a guarded run depends on; whatever a properties file says, the run refuses to start when they differ.
REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}


PARSER_SETTINGS = {
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.legacy.setopsPrecedence.enabled": "false",
    "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.legacy.ctePrecedencePolicy": "CORRECTED",
}
"""Under these Spark reads free SQL as it was checked: nothing in it is replaced, no literal means something else.

The last two are defaults from 4.0 on; 3.5 raises instead, for half a date and for a WITH within another.
"""


def properties(path: Path) -> dict[str, str]:
    """The settings of a Spark properties file: ``key value`` or ``key=value`` per line, ``#`` starts a comment."""
    settings: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, _, value = text.replace("=", " ", 1).partition(" ") if "=" in text.split()[0] else text.partition(" ")
        settings[key.strip()] = value.strip()
    return settings


def java_version() -> int | None:
    """The major version of the Java that Spark would start, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    import subprocess

    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if not java:
        return None
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    for word in done.stderr.split():
        text = word.strip('"')
        if text[:1].isdigit():
            major = text.split(".")[0].split("-")[0]
            return int(major) if major.isdigit() else None
    return None


def check_java() -> None:
    """Raise with one sentence when no usable Java is there, before Spark prints a page about it."""
    found = java_version()
    if found is None:
        raise DqError("no Java was found", expected="Java 17 or 21", do=JAVA_HELP)
    if found not in versions.JAVA:
        raise DqError(f"Java {found} is not supported", expected="Java 17 or 21", do=JAVA_HELP)


def session(name: str, conf_dir: Path | None = None, events: Path | None = None) -> SparkSession:
    """The running session, or a new one with the settings of ``spark-conf/local.conf``.

    Under spark-submit the settings come from its properties file and are only checked here. Either way a new session
    writes its event log into the folder ``events``, unless its settings say otherwise.
    """
    settings_folder = _folder(conf_dir)
    _jvm_options(settings_folder)
    versions.check()
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is None:
        under_submit = "PYSPARK_GATEWAY_PORT" in os.environ
        if not under_submit:
            check_java()
        builder = SparkSession.builder.appName(name)
        if SparkContext._active_spark_context is None:
            if under_submit:
                settings = _event_log(events, _submitted())
            else:
                ours = _ours(settings_folder)
                settings = _event_log(events, ours) | ours
            _locale()
            settings = {**settings, **PARSER_SETTINGS}
            if not under_submit and SparkContext._gateway is None:
                _start_jvm(settings)
            for key, value in settings.items():
                builder = builder.config(key, value)
        active = builder.getOrCreate()
    wrong = _unsafe(active)
    if wrong:
        raise DqError(
            "the Spark session has unsafe settings: " + "; ".join(wrong),
            where="spark-conf",
            do="submit with --properties-file spark-conf/local.conf",
        )
    return active


def _unsafe(spark: SparkSession) -> list[str]:
    """The settings of a session that differ from those a guarded run depends on."""
    wrong = []
    for key, value in REQUIRED.items():
        found = spark.conf.get(key, None)
        if (found or "").lower() != value.lower():
            wrong.append(f"{key} is {found}, not {value}")
    return wrong


def running() -> SparkSession | None:
    """The session that runs in this process, if one does."""
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


@contextmanager
def apart(name: str, conf_dir: Path | None = None) -> Iterator[SparkSession]:
    """A session with the settings a verdict depends on, beside one with others that runs already and stays as it is."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None and SparkContext._active_spark_context is not None:
        running = SparkSession.builder.getOrCreate()
    if running is None or not _unsafe(running):
        yield session(name, conf_dir)
        return
    own = running.newSession()
    for key, value in REQUIRED.items():
        own.conf.set(key, value)
    try:
        yield own
    finally:  # reading a frame made ours the active one
        SparkSession._activeSession = running
        running._jvm.SparkSession.setActiveSession(running._jsparkSession)  # type: ignore[union-attr]


@contextmanager
def read_as_written(spark: SparkSession) -> Iterator[None]:
    """Give a session, which may be somebody else's, our PARSER_SETTINGS, and its own back at the end.

    Datasets are judged in several threads: what was set goes back when the last of them is done.
    """
    versions.check()
    with _KEEP:
        _readers[spark] = _readers.get(spark, 0) + 1
        for key, ours in PARSER_SETTINGS.items():
            own = spark.conf.get(key, None)
            if own != ours:
                _replaced[spark, key] = own
                spark.conf.set(key, ours)
    try:
        yield
    finally:
        with _KEEP:
            _readers[spark] -= 1
            for key in PARSER_SETTINGS if not _readers[spark] else ():
                if (spark, key) in _replaced:
                    own = _replaced.pop((spark, key))
                    spark.conf.set(key, own) if own is not None else spark.conf.unset(key)
            if not _readers[spark]:
                del _readers[spark]


def class_archive() -> Path:
    """Where ``make env`` puts the archive of Spark's classes, from which a JVM starts sooner."""
    return Path(sys.prefix, "spark.jsa")


def _jvm_options(conf_dir: Path) -> None:
    """Say how the JVM logs and where its classes are archived, before it starts; nothing where it is told already.

    The settings' folder is not put on its class path, as ``SPARK_CONF_DIR`` would: Java takes no archive then.
    """
    options = os.environ.get("SPARK_SUBMIT_OPTS", "")
    logging = conf_dir.resolve() / "log4j2.properties"
    if "SPARK_CONF_DIR" not in os.environ and _LOGGING not in options and logging.is_file():
        options += f' {_LOGGING}"{logging}"'
    if _ARCHIVE not in options and class_archive().is_file():
        options += f' {_ARCHIVE}"{class_archive()}" -Xlog:cds=off -Xlog:cds+dynamic=off'
    os.environ["SPARK_SUBMIT_OPTS"] = options.strip()


def _locale() -> None:
    """Have the JVM that is about to start spell paths as Python does: under cron's C locale Python takes UTF-8.

    Java would see a question mark for every letter that is not ASCII, and find no such file.
    """
    if sys.getfilesystemencoding() == "utf-8" and locale.getencoding().lower() != "utf-8":
        os.environ["LC_ALL"] = "C.UTF-8"


def _folder(conf_dir: Path | None) -> Path:
    """The folder of settings that is given or stands here, else the one this package came with."""
    wanted = conf_dir or Path("spark-conf")
    return wanted if wanted.is_dir() else Path(__file__).resolve().parents[2] / "spark-conf"


def _start_jvm(settings: Mapping[str, str]) -> None:
    """Start the JVM as Spark would, and pass on what it writes to stderr but for chatter that needs no attention."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    reading, writing = os.pipe()
    threading.Thread(target=_pass_on, args=(reading,), name="stderr of the JVM", daemon=True).start()
    try:
        conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
        gateway = launch_gateway(conf, {"stderr": writing})  # type: ignore[no-untyped-call]
    finally:
        os.close(writing)
    SparkContext._ensure_initialized(gateway=gateway)


def _pass_on(reading: int) -> None:
    with os.fdopen(reading, "rb") as lines, suppress(OSError):
        for line in lines:
            if not line.startswith(_CHATTER):
                os.write(2, line)


def _ours(conf_dir: Path) -> dict[str, str]:
    """The settings of a session that nobody submitted."""
    conf = conf_dir / "local.conf"
    return properties(conf) if conf.is_file() else dict(REQUIRED)


def _submitted() -> dict[str, str]:
    """The settings that spark-submit gave the JVM it started for this process."""
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()  # joins that JVM; a SparkConf made before knows nothing of it
    return dict(SparkConf().getAll())


def _event_log(events: Path | None, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that write an event log into a folder, which Spark wants to exist.

    A log quotes values of rows where a task fails. It is as private as the data: Spark lets groups read its logs.
    """
    if events is None or "spark.eventLog.enabled" in settings:
        return {}
    try:
        private.make_folder(events)
        events.chmod(private.OWNER_FOLDER)
    except OSError:  # the run that needs the folder says what is wrong with it
        return {}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.resolve().as_uri(),
        # As from 4.0 on; 3.5 would write one plain file.
        "spark.eventLog.rolling.enabled": "true",
        "spark.eventLog.compress": "true",
        "spark.eventLog.logStageExecutorMetrics": "true",
    }


def quiet() -> None:
    """Keep library chatter off the terminal of the ``dq`` command; warnings stay visible in tests and jobs."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
