"""One pass over an event log, line by line, into facts.

Most lines are not parsed at all: the event's name stands first, and what no fact needs is skipped by it. Of a finished
task, whose accumulators are most of its line, the rest is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dq.base.errors import DqError
from dq.base.runid import PATTERN
from dq.diagnose.facts import Executor, Facts, Stage, Trouble
from dq.diagnose.log_files import LogFiles
from dq.diagnose.log_lines import (
    DAMAGE,
    Event,
    accumulators,
    document,
    id_of,
    lines_of,
    must_be_a_log,
    name_of,
    number,
    without,
)
from dq.diagnose.signatures import cause_of

# A message longer than this holds a plan or rows; what is looked for stands at its beginning or is a class name.
TEXT_KEPT = 20_000
# Memory stays flat over a day of small queries; a death is in one of the last.
PLANS_KEPT = 1000
STAGES_KEPT = 1000
_STAGE = re.compile(rb'"Stage ID":(\d{1,18}),"Stage Attempt ID":(\d{1,9})')
_KEYS = re.compile(r"(?:hash|range)partitioning\((.*)\)")
_COLUMN = re.compile(r"([A-Za-z_]\w*)#\d+L?")


def read(files: LogFiles) -> Facts:
    """The facts of a log; an error where it is not a log, is of another Spark, or holds nothing."""
    facts = Facts(settings_known=False)
    reader = _Reader(facts)
    for line in lines_of(files, facts):
        facts.lines += 1
        if facts.lines == 1:
            must_be_a_log(files, line)
        name = name_of(line)
        handler = reader.handlers.get(name)
        if handler is None:
            facts.damaged += not name
            continue
        try:
            handler(line)
        except DAMAGE:
            facts.damaged += 1
    for stage in facts.stages.values():
        if not stage.completed:
            facts.settle(stage)
    if not facts.lines:
        reason = "it is damaged, or cut off in its first line" if facts.torn else "the application died before it began"
        raise DqError("the event log holds no complete line", where=str(files.path), do=reason)
    return facts


class _Reader:
    """Turns events into facts, one method per event that is not skipped."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._jobs_of_stages: dict[int, tuple[int, int | None, str, str]] = {}
        self._executions_of_jobs: dict[int, int] = {}
        self._stages_of_jobs: dict[int, list[int]] = {}
        self.handlers: dict[str, Callable[[bytes], None]] = {
            "SparkListenerLogStart": self._log_start,
            "SparkListenerEnvironmentUpdate": self._environment,
            "SparkListenerApplicationStart": self._application_start,
            "SparkListenerApplicationEnd": self._application_end,
            "SparkListenerExecutorAdded": self._executor_added,
            "SparkListenerExecutorRemoved": self._executor_removed,
            "SparkListenerStageExecutorMetrics": self._executor_metrics,
            "SparkListenerJobStart": self._job_start,
            "SparkListenerJobEnd": self._job_end,
            "SparkListenerStageSubmitted": self._stage_submitted,
            "SparkListenerStageCompleted": self._stage_completed,
            "SparkListenerTaskEnd": self._task_end,
            "SparkListenerSQLExecutionStart": self._plan,
            "SparkListenerSQLAdaptiveExecutionUpdate": self._plan,
            "SparkListenerSQLExecutionEnd": self._execution_end,
            "SparkListenerDriverAccumUpdates": self._driver_updates,
        }

    # -- the application -------------------------------------------------------------------------------------------

    def _log_start(self, line: bytes) -> None:
        self.facts.spark_version = str(document(line)["Spark Version"])

    def _environment(self, line: bytes) -> None:
        properties = document(line)["Spark Properties"]
        self.facts.settings_known = True
        self.facts.settings = {str(key): str(value) for key, value in properties.items()}

    def _application_start(self, line: bytes) -> None:
        event = document(line)
        self.facts.app, self.facts.name = str(event.get("App ID", "")), str(event["App Name"])
        self.facts.started = number(event["Timestamp"])

    def _application_end(self, line: bytes) -> None:
        self.facts.ended = self.facts.last = number(document(line)["Timestamp"])

    def _executor_added(self, line: bytes) -> None:
        event = document(line)
        cores = number((event.get("Executor Info") or {}).get("Total Cores"))
        self.facts.executors[str(event["Executor ID"])] = Executor(added=number(event["Timestamp"]), cores=cores)

    def _executor_removed(self, line: bytes) -> None:
        event = document(line)
        name = str(event["Executor ID"])
        one = self.facts.executors.setdefault(name, Executor())
        one.removed, one.reason = number(event["Timestamp"]), str(event["Removed Reason"])[:TEXT_KEPT]
        if name in self.facts.lost_executors:
            self._note("executor removed", one.reason, executor=name, during=tuple(sorted(self.facts.open_jobs)))

    def _executor_metrics(self, line: bytes) -> None:
        event = document(line)
        self._peak(str(event["Executor ID"]), event["Executor Metrics"])

    def _peak(self, executor: str, metrics: Event) -> None:
        one = self.facts.executors.setdefault(executor, Executor())
        one.peak_heap = max(one.peak_heap, number(metrics.get("JVMHeapMemory")))
        one.peak_python = max(one.peak_python, number(metrics.get("ProcessTreePythonRSSMemory")))

    # -- jobs and stages -------------------------------------------------------------------------------------------

    def _job_start(self, line: bytes) -> None:
        event = document(without(line, b'"Stage Infos":[', b'],"Stage IDs":'))
        job, properties = id_of(event["Job ID"]), event.get("Properties") or {}
        self.facts.open_jobs.add(job)
        group = str(properties.get("spark.jobGroup.id", ""))
        execution = properties.get("spark.sql.execution.id")
        if group and len(self.facts.groups) < PLANS_KEPT:
            self.facts.groups[group] = None
        self.facts.groups_of_jobs[job] = group
        step = str(properties.get("spark.job.description", "")) if PATTERN.match(group) else ""
        if execution is not None:
            self._executions_of_jobs[job] = id_of(execution)
        stages = self._stages_of_jobs[job] = [id_of(stage) for stage in event["Stage IDs"]]
        for stage in stages:
            self._jobs_of_stages[stage] = (job, self._executions_of_jobs.get(job), group, step)
        self._seen(event.get("Submission Time"))

    def _job_end(self, line: bytes) -> None:
        event = document(line)
        job, result = id_of(event["Job ID"]), event["Job Result"]
        self.facts.open_jobs.discard(job)
        if result["Result"] != "JobSucceeded":
            error = result.get("Exception") or {}
            self._note("job failed", str(error.get("Message", "")), job=job)
            self.facts.fail_job(job)
        else:
            self.facts.forget_job(job)
        self._executions_of_jobs.pop(job, None)
        for stage in self._stages_of_jobs.pop(job, ()):
            if self._jobs_of_stages.get(stage, (None,))[0] == job:
                del self._jobs_of_stages[stage]
        self._seen(event.get("Completion Time"))

    def _stage(self, number: int, attempt: int) -> Stage:
        key = (number, attempt)
        found = self.facts.stages.get(key)
        if found is None:
            job, execution, group, step = self._jobs_of_stages.get(number, (None, None, "", ""))
            found = Stage(stage=number, attempt=attempt, job=job, execution=execution, group=group, step=step)
            self.facts.stages[key] = found
            self.facts.prune(STAGES_KEPT)
        return found

    def _stage_submitted(self, line: bytes) -> None:
        info = document(without(line, b'"RDD Info":[', b'],"Parent IDs":'))["Stage Info"]
        stage = self._stage(id_of(info["Stage ID"]), id_of(info["Stage Attempt ID"]))
        stage.name, stage.tasks = str(info["Stage Name"]), number(info["Number of Tasks"])
        stage.parents = tuple(id_of(parent) for parent in info.get("Parent IDs") or ())

    def _stage_completed(self, line: bytes) -> None:
        info = document(without(line, b'"RDD Info":[', b'],"Parent IDs":'))["Stage Info"]
        stage = self._stage(id_of(info["Stage ID"]), id_of(info["Stage Attempt ID"]))
        stage.name, stage.tasks = str(info["Stage Name"]), number(info["Number of Tasks"])
        stage.completed = True
        stage.accumulators |= {id_of(one["ID"]) for one in info.get("Accumulables") or ()}
        if info.get("Failure Reason"):
            self._note("stage failed", str(info["Failure Reason"]), stage=stage)
        else:
            self.facts.forget_stage(stage)
        self.facts.settle(stage)
        self._seen(info.get("Completion Time"))

    # -- tasks -----------------------------------------------------------------------------------------------------

    def _task_end(self, line: bytes) -> None:
        event = document(without(line, b'"Accumulables":[', b']},"Task Executor Metrics":'))
        facts = self.facts
        stage = self._stage(id_of(event["Stage ID"]), id_of(event["Stage Attempt ID"]))
        info, why = event["Task Info"], event["Task End Reason"]
        metrics = event.get("Task Metrics") or {}
        reason = str(why["Reason"])
        facts.tasks += 1
        stage.retried += number(info.get("Attempt")) > 0
        if not stage.accumulators and not stage.completed:  # one tells which exchange the stage reads
            stage.accumulators |= accumulators(line)
        read, wrote = metrics.get("Shuffle Read Metrics") or {}, metrics.get("Shuffle Write Metrics") or {}
        rows = number(read.get("Total Records Read"))
        size = number(read.get("Remote Bytes Read")) + number(read.get("Local Bytes Read"))
        if reason == "Success":
            stage.seconds.add(number(metrics.get("Executor Run Time")) / 1000)
            stage.result_bytes += number(metrics.get("Result Size"))
        elif reason == "TaskKilled":
            facts.killed_tasks += 1
            stage.killed += 1
        elif reason != "Resubmitted":
            facts.failed_tasks += 1
            stage.failed += 1
            self._note(reason, _task_text(why), stage=stage, executor=str(info.get("Executor ID", "")))
        if reason == "Success" or rows:  # a task that died often says nothing of what it read
            stage.bytes_read.add(size)
            stage.rows_read.add(rows)
        stage.bytes_in += number((metrics.get("Input Metrics") or {}).get("Bytes Read"))
        stage.rows_written += number(wrote.get("Shuffle Records Written")) if reason == "Success" else 0
        stage.bytes_written += number(wrote.get("Shuffle Bytes Written"))
        stage.spilled_memory += number(metrics.get("Memory Bytes Spilled"))
        stage.spilled_disk += number(metrics.get("Disk Bytes Spilled"))
        stage.gc_seconds += number(metrics.get("JVM GC Time")) / 1000
        stage.run_seconds += number(metrics.get("Executor Run Time")) / 1000
        stage.peak_memory = max(stage.peak_memory, number(metrics.get("Peak Execution Memory")))
        executor = str(info.get("Executor ID", ""))
        self._peak(executor, event.get("Task Executor Metrics") or {})
        facts.executors[executor].spilled += number(metrics.get("Disk Bytes Spilled"))
        self._seen(info.get("Finish Time"))

    # -- SQL -------------------------------------------------------------------------------------------------------

    def _plan(self, line: bytes) -> None:
        """Keep of a plan which columns each of its exchanges partitions by."""
        if b"SQLExecutionStart" in line[:100]:
            match = re.search(rb'"executionId":(\d+)', line[:300])
            if match:
                self.facts.open_executions.add(int(match[1]))
                group = re.search(rb'"jobGroupId":"([a-z0-9_-]+)"', line[-2000:])
                self.facts.groups_of_executions[int(match[1])] = group[1].decode() if group else ""
        if b"partitioning(" not in line and b"BroadcastExchange" not in line:
            return
        event = document(line)
        exchanges, building, execution = self.facts.exchanges, self.facts.building, id_of(event["executionId"])
        keys, built = exchanges.setdefault(execution, {}), building.setdefault(execution, set())
        if len(exchanges) > PLANS_KEPT:
            oldest = next(iter(exchanges))
            del exchanges[oldest]
            building.pop(oldest, None)
        nodes = [event["sparkPlanInfo"]]
        while nodes:
            node = nodes.pop()
            nodes += node["children"]
            if node["nodeName"] == "BroadcastExchange":
                built |= {id_of(one["accumulatorId"]) for one in node["metrics"] if one["name"] == "data size"}
            found = _KEYS.search(node["simpleString"]) if "Exchange" in node["nodeName"] else None
            if found:
                columns = tuple(_COLUMN.findall(found[1]))
                keys.update({id_of(metric["accumulatorId"]): columns for metric in node["metrics"]})

    def _driver_updates(self, line: bytes) -> None:
        """Keep how large a table was that the driver built to broadcast it, the largest of each query."""
        event = document(line)
        execution = id_of(event["executionId"])
        built = self.facts.building.get(execution, ())
        sizes = [number(value) for accumulator, value in event["accumUpdates"] if accumulator in built]
        if sizes and len(self.facts.broadcasts) < PLANS_KEPT:
            self.facts.broadcasts[execution] = max(self.facts.broadcasts.get(execution, 0), *sizes)

    def _execution_end(self, line: bytes) -> None:
        event = document(line)
        execution = id_of(event["executionId"])
        self.facts.open_executions.discard(execution)
        if event.get("errorMessage"):
            self._note("query failed", str(event["errorMessage"]), execution=execution)
            self.facts.failed_executions.add(execution)
        else:
            self.facts.groups_of_executions.pop(execution, None)
            self.facts.exchanges.pop(execution, None)
        self.facts.building.pop(execution, None)
        self._seen(event.get("time"))

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _seen(self, instant: object) -> None:
        self.facts.last = max(self.facts.last or 0, number(instant)) or None

    def _note(
        self,
        kind: str,
        text: str,
        *,
        stage: Stage | None = None,
        executor: str = "",
        job: int | None = None,
        execution: int | None = None,
        during: tuple[int, ...] = (),
    ) -> None:
        if job is not None:
            execution = self._executions_of_jobs.get(job)
        incident = Trouble(
            line=self.facts.lines,
            file=self.facts.file,
            at=self.facts.lines - self.facts.lines_before,
            kind=kind,
            text=text[:TEXT_KEPT],
            stage=stage.stage if stage else None,
            attempt=stage.attempt if stage else 0,
            executor=executor,
            job=stage.job if stage else job,
            execution=stage.execution if stage else execution,
            group=self._group(stage, job, execution, during),
            during=during,
        )
        self.facts.note(incident, cause_of(incident))

    def _group(self, stage: Stage | None, job: int | None, execution: int | None, during: tuple[int, ...]) -> str:
        if stage is not None:
            return stage.group
        if job is not None:
            return self.facts.groups_of_jobs.get(job, "")
        if execution is not None:
            return self.facts.groups_of_executions.get(execution, "")
        groups = {self.facts.groups_of_jobs.get(one, "") for one in during}
        return groups.pop() if len(groups) == 1 else ""


def _task_text(why: Event) -> str:
    """All that a failed task says: class, message, loss reason; its causes follow the message in the stack trace."""
    fields = ("Class Name", "Description", "Loss Reason", "Message", "Full Stack Trace")
    said = [str(why[name]) for name in fields if why.get(name)]
    if why.get("Exit Caused By App") is False:
        said.append("not caused by the application")
    return "\n".join(said)
