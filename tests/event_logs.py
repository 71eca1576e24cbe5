"""Event logs made by code, event by event as Spark 3.5 to 4.3 writes them, so that no recorded log is kept."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

RUN = "profit_unit-2026-10-20261103t050000000000z-abcdef"
STARTED = 1_795_190_000_000
SQL = "org.apache.spark.sql.execution.ui."
Event = Mapping[str, Any]


def line(event: Event) -> str:
    """An event as Spark writes it: compact, its name first."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def start(version: str = "4.1.4", name: str = "profit_unit", **settings: str) -> list[Event]:
    """The first events of every application; settings are written with ``__`` for each dot."""
    given = {"spark." + key.replace("__", "."): value for key, value in settings.items()}
    return [
        {"Event": "SparkListenerLogStart", "Spark Version": version},
        {
            "Event": "SparkListenerEnvironmentUpdate",
            "JVM Information": {},
            "Spark Properties": {"spark.master": "spark://127.0.0.1:7077", **given},
        },
        {
            "Event": "SparkListenerApplicationStart",
            "App Name": name,
            "App ID": "app-1",
            "Timestamp": STARTED,
            "User": "dq",
        },
    ]


def end(after: int = 100_000) -> Event:
    """The application ended, milliseconds after it began."""
    return {"Event": "SparkListenerApplicationEnd", "Timestamp": STARTED + after, "ExitCode": 0}


def rdd(number: int, parents: Sequence[int] = ()) -> Event:
    """What a stage says of one of its RDDs, with keys that stage and job have, too."""
    return {
        "RDD ID": number,
        "Name": "MapPartitionsRDD",
        "Scope": '{"id":"spark_plan_26","name":"Exchange"}',
        "Callsite": "count at job.py:7",
        "Parent IDs": list(parents),
        "Storage Level": {"Use Disk": False, "Use Memory": False, "Replication": 1},
        "Number of Partitions": 8,
    }


def job(number: int, stages: Sequence[int], *, group: str = RUN, execution: int | None = None) -> Event:
    """A job began."""
    properties = {"spark.jobGroup.id": group} | (
        {"spark.sql.execution.id": str(execution)} if execution is not None else {}
    )
    return {
        "Event": "SparkListenerJobStart",
        "Job ID": number,
        "Submission Time": STARTED + 1000,
        "Stage Infos": [stage_info(one, 8) for one in stages],
        "Stage IDs": list(stages),
        "Properties": properties,
    }


def job_end(number: int, error: str = "") -> Event:
    """A job ended, with an error or without."""
    result: Event = {"Result": "JobSucceeded"}
    if error:
        result = {"Result": "JobFailed", "Exception": {"Message": error, "Stack Trace": []}}
    return {"Event": "SparkListenerJobEnd", "Job ID": number, "Completion Time": STARTED + 90_000, "Job Result": result}


def stage_info(number: int, tasks: int, *, attempt: int = 0, parents: Sequence[int] = ()) -> Event:
    """What events of a stage, and of its job, say of it."""
    return {
        "Stage ID": number,
        "Stage Attempt ID": attempt,
        "Stage Name": f"count at job.py:{number}",
        "Number of Tasks": tasks,
        "RDD Info": [rdd(2 * number + 1, [2 * number]), rdd(2 * number)],
        "Parent IDs": list(parents),
        "Details": "",
        "Accumulables": [],
    }


def stage(
    number: int, tasks: int, *, attempt: int = 0, done: bool = False, error: str = "", parents: Sequence[int] = ()
) -> Event:
    """A stage was submitted, or is done."""
    info = stage_info(number, tasks, attempt=attempt, parents=parents) | ({"Failure Reason": error} if error else {})
    return {"Event": f"SparkListenerStage{'Completed' if done else 'Submitted'}", "Stage Info": info}


def task(
    number: int,
    *,
    index: int = 0,
    attempt: int = 0,
    stage_attempt: int = 0,
    executor: str = "1",
    why: Event | None = None,
    seconds: float = 1.0,
    gc: float = 0.0,
    read: int = 0,
    rows: int = 0,
    wrote: int = 0,
    spilled: int = 0,
    result: int = 1000,
    heap: int = 0,
    accumulators: Sequence[int] = (),
) -> Event:
    """A task of stage ``number`` ended; sizes in bytes."""
    return {
        "Event": "SparkListenerTaskEnd",
        "Stage ID": number,
        "Stage Attempt ID": stage_attempt,
        "Task Type": "ShuffleMapTask",
        "Task End Reason": why or {"Reason": "Success"},
        "Task Info": {
            "Task ID": index,
            "Index": index,
            "Attempt": attempt,
            "Partition ID": index,
            "Launch Time": STARTED + 1000,
            "Executor ID": executor,
            "Host": "127.0.0.1",
            "Locality": "NODE_LOCAL",
            "Speculative": False,
            "Getting Result Time": 0,
            "Finish Time": STARTED + 2000,
            "Failed": why is not None,
            "Killed": False,
            "Accumulables": [
                {"ID": one, "Name": "records read", "Update": "1", "Value": "1", "Internal": True, "Metadata": "sql"}
                for one in accumulators
            ],
        },
        "Task Executor Metrics": {"JVMHeapMemory": heap, "ProcessTreePythonRSSMemory": 0},
        "Task Metrics": {
            "Executor Run Time": int(seconds * 1000),
            "Peak Execution Memory": 0,
            "Result Size": result,
            "JVM GC Time": int(gc * 1000),
            "Memory Bytes Spilled": spilled * 4,
            "Disk Bytes Spilled": spilled,
            "Shuffle Read Metrics": {"Remote Bytes Read": 0, "Local Bytes Read": read, "Total Records Read": rows},
            "Shuffle Write Metrics": {"Shuffle Bytes Written": 0, "Shuffle Records Written": wrote},
            "Input Metrics": {"Bytes Read": 0, "Records Read": 0},
        },
    }


def raised(kind: str, message: str = "", trace: str = "") -> Event:
    """Why a task failed: it raised."""
    return {
        "Reason": "ExceptionFailure",
        "Class Name": kind,
        "Description": message,
        "Stack Trace": [],
        "Full Stack Trace": f"{kind}: {message}\n{trace}",
    }


def lost(executor: str, reason: str) -> Event:
    """Why a task failed: its executor went."""
    return {"Reason": "ExecutorLostFailure", "Executor ID": executor, "Exit Caused By App": True, "Loss Reason": reason}


def fetch_failed(shuffle: int = 0) -> Event:
    """Why a task failed: it could not fetch."""
    return {
        "Reason": "FetchFailed",
        "Block Manager Address": {},
        "Shuffle ID": shuffle,
        "Message": "org.apache.spark.shuffle.FetchFailedException: Connection reset",
    }


def removed(executor: str, reason: str) -> Event:
    """An executor went."""
    return {
        "Event": "SparkListenerExecutorRemoved",
        "Timestamp": STARTED + 3000,
        "Executor ID": executor,
        "Removed Reason": reason,
    }


def plan(execution: int, *exchanges: tuple[int, str]) -> Event:
    """A query began; per exchange the accumulator of its reading side, and its partitioning as the plan writes it."""
    node: Event = {"nodeName": "LocalTableScan", "simpleString": "LocalTableScan", "children": [], "metrics": []}
    for accumulator, partitioning in exchanges:
        metric = {"name": "records read", "accumulatorId": accumulator, "metricType": "sum"}
        node = {
            "nodeName": "Exchange",
            "simpleString": f"Exchange {partitioning}, ENSURE_REQUIREMENTS, [plan_id=9]",
            "children": [node],
            "metadata": {},
            "metrics": [metric],
        }
    return {
        "Event": f"{SQL}SparkListenerSQLExecutionStart",
        "executionId": execution,
        "description": RUN,
        "physicalPlanDescription": "== Physical Plan ==",
        "sparkPlanInfo": node,
        "time": STARTED,
    }


def broadcast(execution: int, accumulator: int) -> Event:
    """A query began that builds a table to broadcast, whose size the accumulator will hold."""
    planned = dict(plan(execution))
    metric = {"name": "data size", "accumulatorId": accumulator, "metricType": "size"}
    planned["sparkPlanInfo"] = {
        "nodeName": "BroadcastExchange",
        "simpleString": "BroadcastExchange HashedRelationBroadcastMode",
        "children": [planned["sparkPlanInfo"]],
        "metadata": {},
        "metrics": [metric],
    }
    return planned


def driver_updates(execution: int, *updates: tuple[int, int]) -> Event:
    """The driver told what it measured of a query."""
    pairs = [list(update) for update in updates]
    return {"Event": f"{SQL}SparkListenerDriverAccumUpdates", "executionId": execution, "accumUpdates": pairs}


def query_end(execution: int, error: str = "") -> Event:
    """A query ended, with an error or without."""
    said = {"errorMessage": error} if error else {}
    return {"Event": f"{SQL}SparkListenerSQLExecutionEnd", "executionId": execution, "time": STARTED + 95_000} | said


def text(events: Sequence[Event]) -> bytes:
    """A log's bytes before compression."""
    return "".join(f"{line(event)}\n" for event in events).encode()


def write(folder: Path, events: Sequence[Event], *, codec: str = "zstd", in_progress: bool = False) -> Path:
    """A rolling log of one part."""
    log = folder / "eventlog_v2_app-1"
    log.mkdir(parents=True)
    suffix = f".{codec}" if codec else ""
    (log / f"events_1_app-1{suffix}").write_bytes(PACKED[codec](text(events)))
    (log / f"appstatus_app-1{'.inprogress' if in_progress else ''}").touch()
    return log


def _zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def _blocks(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 32768] for at in range(0, len(data), 32768))


def _lz4(data: bytes) -> bytes:
    """As ``net.jpountz.lz4.LZ4BlockOutputStream`` writes it."""
    packed, codec = b"", pa.Codec("lz4_raw")
    for block in _blocks(data):
        small = codec.compress(block, asbytes=True)
        packed += struct.pack("<8sBiii", b"LZ4Block", 0x25, len(small), len(block), 0) + small
    return packed + struct.pack("<8sBiii", b"LZ4Block", 0x15, 0, 0, 0)


def _snappy(data: bytes) -> bytes:
    """As ``org.xerial.snappy.SnappyOutputStream`` writes it."""
    packed, codec = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1), pa.Codec("snappy")
    for block in _blocks(data):
        small = codec.compress(block, asbytes=True)
        packed += struct.pack(">i", len(small)) + small
    return packed


PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "zstd": _zstd,
    "gz": gzip.compress,
    "lz4": _lz4,
    "snappy": _snappy,
}


FAILED = "Job aborted: java.lang.OutOfMemoryError: Java heap space"


def death() -> list[Event]:
    """An application whose only task ran out of heap."""
    why = raised("java.lang.OutOfMemoryError", "Java heap space")
    ran = [job(0, [0]), stage(0, 1), task(0, why=why), job_end(0, FAILED)]
    return [*start(), *ran, end()]
