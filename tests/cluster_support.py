"""A Spark standalone cluster on this machine, from the installed package, jobs submitted to it, and ways to hurt them.

Master, workers and drivers are child processes, each the head of a process group that is killed at the end with all it
started; a process that is then still at work in the cluster's folder fails the test.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from runs_support import BIN, QUICK_JVM, ROOT, environment

HOST = "127.0.0.1"
WORKERS = 2
STARTING, RUNNING, ENDING = 90, 240, 30
# The sizes of a small machine in place of a cluster's; the rest is cluster.conf as it stands.
SMALL = {
    "spark.executor.cores": "1",
    "spark.executor.memory": "768m",
    "spark.driver.memory": "1g",
    "spark.cores.max": str(WORKERS),
    "spark.executor.extraJavaOptions": QUICK_JVM,
}
# The stages and tasks that a driver's page shows are those of this moment, not of up to a tenth of a second ago.
PROMPT = {"spark.ui.liveUpdate.period": "0"}
_EXECUTOR = b"org.apache.spark.executor.CoarseGrainedExecutorBackend"
_LIBC = ctypes.CDLL(None)
_KILLED_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_HTTP = urllib3.PoolManager()
Stage = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A master with its workers: its address, and the folder all its processes work in."""

    master: str
    folder: Path

    @property
    def events(self) -> Path:
        return self.folder / "events"

    def executors(self, application: str) -> dict[str, int]:
        """The process of each executor of an application, by the executor's id."""
        found = {}
        for pid, place in at_work_in(self.folder).items():
            if place.parent.name == application and _EXECUTOR in _words(pid):
                found[place.name] = pid
        return found

    @contextmanager
    def submitted(
        self, job: Path, *arguments: str, sources: Path, conf: Mapping[str, str] | None = None
    ) -> Iterator[Submitted]:
        """A job submitted in client mode with cluster.conf; killed when the block ends before it does."""
        page = free_port()
        settings = {**SMALL, **PROMPT, "spark.ui.port": str(page), "spark.eventLog.dir": self.events.as_uri()}
        words = [str(BIN / "spark-submit"), "--master", self.master]
        words += ["--properties-file", str(ROOT / "spark-conf" / "cluster.conf")]
        for key, value in (settings | dict(conf or {})).items():
            words += ["--conf", f"{key}={value}"]
        with driver([*words, str(job), *arguments], self.folder, on_this_machine(sources), page) as run:
            yield run


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """A driver that was submitted, what it says, and what its page shows of its stages."""

    process: subprocess.Popen[str]
    out: Path
    err: Path
    page: int

    def finish(self) -> int:
        """Its exit code, once it ends."""
        return self.process.wait(timeout=RUNNING)

    @property
    def application(self) -> str:
        """The id the master gave it; empty until it has one."""
        listed = _get(self.page, "/api/v1/applications") or [{"id": ""}]
        return str(listed[0]["id"])

    def active(self, step: str) -> list[Stage]:
        """The stages of one step of the run that are running now."""
        return [stage for stage in self._listed("stages?status=active") if stage.get("description") == step]

    def at_work(self, step: str) -> set[str]:
        """The executors that run a task of one step of the run now."""
        places = [f"stages/{stage['stageId']}/{stage['attemptId']}" for stage in self.active(step)]
        running = [task for place in places for task in self._listed(f"{place}/taskList?status=running&length=999")]
        return {str(task["executorId"]) for task in running}

    def _listed(self, what: str) -> list[Stage]:
        return _get(self.page, f"/api/v1/applications/{self.application}/{what}") or []


@dataclass(kw_only=True)
class Blow:
    """Executors that are killed while they run tasks of one step of a run, ``one`` of them or every one.

    They are held still to look who is at work, so that the moment cannot pass between looking and killing. ``begun``
    narrows the moment down.
    """

    step: str
    begun: Callable[[], bool] = lambda: True
    every: bool = False
    killed: list[str] = field(default_factory=list)

    def strike(self, cluster: Cluster, run: Submitted) -> None:
        """Wait for the moment, and kill."""
        until = time.monotonic() + RUNNING
        known = False
        while not self.killed:
            assert run.process.poll() is None, f"it ended before {self.step}: {run.err.read_text()[-2000:]}"
            assert time.monotonic() < until, f"nothing was ever at work on {self.step}"
            # The first answer takes seconds, in which the moment could pass.
            known = known or bool(run.application)
            if known and self.begun() and run.active(self.step):
                self._look(cluster, run)
            time.sleep(0.01)

    def _look(self, cluster: Cluster, run: Submitted) -> None:
        executors = cluster.executors(run.application)
        with held_still(executors.values()):
            time.sleep(0.3)  # what was on its way to the driver arrives
            busy = sorted(run.at_work(self.step) & executors.keys())
            if busy:
                self.killed = sorted(executors) if self.every else busy[:1]
            for name in self.killed:
                os.kill(executors[name], signal.SIGKILL)


@contextmanager
def held_still(pids: Iterable[int]) -> Iterator[None]:
    """Processes that do not run inside the block."""
    stopped = list(pids)
    try:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def standalone(folder: Path) -> Iterator[Cluster]:
    """A cluster that waits for jobs."""
    port, page = free_port(), free_port()
    cluster = Cluster(master=f"spark://{HOST}:{port}", folder=folder)
    cluster.events.mkdir(parents=True)
    with ExitStack() as stack:
        stack.callback(assert_nothing_left, folder)
        daemons = [stack.enter_context(daemon(folder, "master.Master", "--port", str(port), "--webui-port", str(page)))]
        wait_for(lambda: _get(page, "/json/"), "the master", folder, daemons)
        for number in range(WORKERS):
            place = ["--work-dir", str(folder / f"work{number}"), "--cores", "1", "--memory", "1g"]
            daemons.append(
                stack.enter_context(daemon(folder, "worker.Worker", "--webui-port", "0", *place, cluster.master))
            )
        wait_for(lambda: len(alive(_get(page, "/json/"))) == WORKERS, "the workers", folder, daemons)
        yield cluster


def alive(page: Any) -> list[Any]:
    return [worker for worker in (page or {}).get("workers", ()) if worker["state"] == "ALIVE"]


@contextmanager
def daemon(folder: Path, name: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A master or a worker, whose environment is what its executors begin with: nothing of this project is in it."""
    given = on_this_machine(folder) | {
        "SPARK_CONF_DIR": str(ROOT / "spark-conf" / "json"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK_JVM,
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",  # a port that nobody asked for
    }
    given.pop("PYTHONPATH", None)
    line = [str(BIN / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", HOST, *words]
    with (folder / f"{name}.log").open("a") as log, group(line, folder, given, log, log) as process:
        yield process


@contextmanager
def driver(words: Sequence[str], folder: Path, given: Mapping[str, str], page: int) -> Iterator[Submitted]:
    """A command that runs a driver, whose page will be at a port."""
    name = f"driver-{page}-{time.monotonic_ns()}"
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("w") as said, err.open("w") as logged, group(words, folder, given, said, logged) as process:
        yield Submitted(process=process, out=out, err=err, page=page)


@contextmanager
def group(
    words: Sequence[str], folder: Path, given: Mapping[str, str], out: Any, err: Any
) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, killed with all that is in it when the block ends."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        env=given,
        cwd=folder,
        start_new_session=True,
        # Where the tests themselves are killed there is nobody to end the block.
        preexec_fn=lambda: _LIBC.prctl(_KILLED_WITH_PARENT, signal.SIGKILL),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=ENDING)


def on_this_machine(sources: Path) -> dict[str, str]:
    """An environment in which Spark's processes speak on the loopback address only."""
    return environment(sources, SPARK_LOCAL_IP=HOST, SPARK_CONF_DIR=str(ROOT / "spark-conf"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def wait_for(there: Callable[[], Any], what: str, folder: Path, daemons: Sequence[subprocess.Popen[str]]) -> None:
    until = time.monotonic() + STARTING
    while not there():
        ended = any(process.poll() is not None for process in daemons)
        if ended or time.monotonic() > until:
            said = "\n".join(log.read_text()[-2000:] for log in folder.glob("*.log"))
            raise AssertionError(f"{what} {'ended' if ended else 'did not answer'}: {said}")
        time.sleep(0.1)


def at_work_in(folder: Path) -> dict[int, Path]:
    """The processes whose working directory lies in a folder, and that directory."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if entry.name.isdigit() and (place := (entry / "cwd").readlink()).is_relative_to(folder):
                found[int(entry.name)] = place
    return found


def assert_nothing_left(folder: Path) -> None:
    """Fail when a process is still at work in a folder; Python's workers end a moment after their executor."""
    until = time.monotonic() + ENDING
    while left := at_work_in(folder):
        if time.monotonic() > until:
            named = [b" ".join(_words(pid))[:200].decode(errors="replace") for pid in left]
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"still running: {named}")
        time.sleep(0.1)


def _words(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _get(port: int, path: str) -> Any:
    """The JSON at an address of a page; None while nobody answers there, or only that Spark is starting up."""
    try:
        answer = _HTTP.request("GET", f"http://{HOST}:{port}{path}", timeout=STARTING, retries=False)
        return answer.json() if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
