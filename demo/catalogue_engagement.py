"""The seeded defects of usage: events, the queue they come from, and the directory."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

from demo import company
from demo.changes import after_final, in_job, nothing, put, redelivered, renamed, some, twice, without
from demo.defects import Change, Defect
from dq.base.model import Severity


def engagement(month: str) -> tuple[Defect, ...]:
    """Every seeded defect of clicks, kafka_offsets and directory_users, planted in the given month."""
    first = company.month_of(month)
    last = company.last_day(first)
    middle, stale = first + timedelta(days=11), last - timedelta(days=2)

    def defect(id_: str, title: str, check: str, change: Change, severity: Severity = Severity.CRITICAL) -> Defect:
        _, source, _ = id_.split("-", 2)
        return Defect(
            id=id_,
            source=source,
            month=month,
            title=title,
            severity=severity,
            expected_check=check,
            change=change,
            pipeline="user_days",
        )

    warning = Severity.WARNING
    return (
        defect(
            "F01-clicks-user",
            "events without a user",
            "clicks.user_id.required",
            put("user_id", "NULL", some("event_id", 500)),
        ),
        defect(
            "F01-directory_users-department",
            "users without a department",
            "directory_users.department.required",
            put("department", "NULL", some("user_id", 200)),
        ),
        defect(
            "F02-clicks-conflict",
            "two different events share an id",
            "clicks.key.unique",
            _conflicting,
        ),
        defect(
            "F02-clicks-redelivered",
            "every tenth event was delivered a second time",
            "clicks_redeliveries_are_counted",
            redelivered,
            Severity.INFO,
        ),
        defect(
            "F02-directory_users-loaded-twice",
            "a file of directory_users was loaded twice",
            "directory_users.key.unique",
            twice,
        ),
        defect(
            "F04-clicks-stale",
            "no event for the last three days",
            "clicks_are_not_silent",
            without(f"event_date >= DATE'{stale}'"),
        ),
        defect(
            "F04-directory_users-stale",
            "the directory was not synchronised for the last three days",
            "directory_is_not_outdated",
            without(f"day >= DATE'{stale}'"),
        ),
        defect(
            "F05-clicks-missing-day", "a day is missing", "clicks_every_day", without(f"event_date = DATE'{middle}'")
        ),
        Defect(
            id="F05-clicks-day-after",
            source="clicks",
            month=month,
            title="no event of the month that follows was filed, in which sessions of the last day run on",
            expected_check="clicks.period.complete",
            ends=True,
            pipeline="user_days",
        ),
        defect(
            "F05-directory_users-missing-day",
            "the synchronisation of a day failed",
            "directory_every_day",
            without(f"day = DATE'{middle}'"),
        ),
        defect("F06-clicks-empty", "the topic is there but holds no events", "clicks_has_rows", nothing),
        defect(
            "F07-clicks-renamed",
            "user_id is now called uid",
            "clicks.schema",
            renamed("user_id", "uid"),
        ),
        defect(
            "F08-clicks-late",
            "every fortieth event arrived two days late",
            "clicks_arrive_in_time",
            _later(40, 48),
            warning,
        ),
        defect(
            "F08-clicks-very-late",
            "every fourth event arrived two days late",
            "clicks_late_events_are_immaterial",
            _later(4, 48),
        ),
        *(
            after_final(
                "user_days",
                "clicks",
                f"{company.shift(first, -1):%Y-%m}",
                name,
                f"one event in {one_in}",
                check,
                "received_at",
                some("event_id", one_in),
                severity=severity,
            )
            for name, one_in, check, severity in (
                ("final", 200, "last_final_holds_every_event", warning),
                ("material", 20, "last_final_lacks_no_material_share_of_events", Severity.CRITICAL),
            )
        ),
        defect(
            "F09-clicks-1970",
            "events of 1970",
            "clicks_times_lie_on_their_day",
            put("event_time", "TIMESTAMP'1970-01-01 00:00:00'", some("event_id", 100)),
            warning,
        ),
        defect(
            "F09-clicks-future",
            "events that happened after they arrived",
            "clicks_happen_before_they_arrive",
            put("event_time", "received_at + INTERVAL 5 MINUTES", some("event_id", 100)),
            warning,
        ),
        defect(
            "F10-clicks-endless",
            "the closing event of every other session was lost",
            "clicks_sessions_end",
            without(f"event_type = 'session_end' AND {some('event_id', 2)}"),
            warning,
        ),
        defect(
            "F10-clicks-gap",
            "offsets of one partition never landed",
            "clicks_offsets_have_no_gap",
            without(f"partition = 3 AND event_date BETWEEN DATE'{middle}' AND DATE'{middle + timedelta(days=1)}'"),
            warning,
        ),
        defect(
            "F18-clicks-skewed",
            "half of all events are of one account",
            "clicks_no_account_is_too_heavy",
            put("account_id", "'A000000'", some("event_id", 2)),
            warning,
        ),
        defect(
            "F18-clicks-scripted",
            "a script of one user causes a sixth of all events",
            "clicks_no_user_is_too_heavy",
            _scripted,
            warning,
        ),
        defect(
            "F20-kafka_offsets-behind",
            "the consumer fell behind by more than a day",
            "consumer_is_less_than_a_day_behind",
            _stopped(last, hours=30),
            warning,
        ),
        defect(
            "F20-kafka_offsets-dead",
            "the consumer has not committed anything for three days",
            "consumer_is_less_than_two_days_behind",
            _stopped(last, hours=72),
        ),
        defect(
            "F22-clicks-kind",
            "events of a kind that does not exist",
            "clicks.event_type.accepted",
            put("event_type", "'teleport'", some("event_id", 100)),
            warning,
        ),
        defect(
            "F22-directory_users-department",
            "users in a department that does not exist",
            "directory_users.department.accepted",
            put("department", "'alchemy'", some("user_id", 200)),
            warning,
        ),
        defect(
            "F23-clicks-few",
            "events of users that do not exist",
            "clicks_users_are_licensed",
            put("user_id", "concat('X', user_id)", some("user_id", 40)),
            warning,
        ),
        defect(
            "F23-clicks-accounts",
            "every tenth event is of an account that does not exist",
            "clicks_unknown_accounts_are_immaterial",
            put("account_id", "concat('X', account_id)", some("event_id", 10)),
        ),
        defect(
            "F23-clicks-other-account",
            "one event in twenty-five is of an account that exists, but is not its user's",
            "clicks_of_other_accounts_are_immaterial",
            put("account_id", "'A000000'", some("event_id", 25)),
        ),
        defect(
            "F24-clicks-strokes",
            "every event is sent as ten",
            "user_days_events_per_user_fit_history",
            _tenfold,
        ),
        in_job(
            "F14-user_days-kinds-counted",
            month,
            "a change of the job counts kinds of events instead of events",
            "user_days_keeps_every_event",
            'sf.count_if(own & sf.col("event_id").isNotNull()).alias("events")',
            'sf.count_distinct("event_type").alias("events")',
        ),
        in_job(
            "F26-user_days-raises",
            month,
            "a change of the job reads a column that does not exist",
            "user_days.run.completes",
            'sf.min(sf.when(own, sf.col("account_id"))).alias("clicked_account")',
            'sf.min(sf.when(own, sf.col("acount_id"))).alias("clicked_account")',
        ),
    )


def _scripted(frame: DataFrame) -> DataFrame:
    """The events of every sixth user, whole sessions, under the name of one licensed user and its account."""
    of_script = some("user_id", 6)
    of_account = put("account_id", "'A000000'", of_script)(frame)
    return put("user_id", "'U000000-1'", of_script)(of_account)


def _conflicting(frame: DataFrame) -> DataFrame:
    """Some events once more with another kind, under an offset of their own."""
    again = frame.where(some("event_id", 100)).withColumn("event_type", sf.lit("feature_use"))
    return frame.unionByName(again.withColumn("feature", sf.lit("search")))


def _tenfold(frame: DataFrame) -> DataFrame:
    """Every event ten times under ids and offsets of their own, as if each key stroke were one."""
    stroke = sf.explode(sf.sequence(sf.lit(0), sf.lit(9)))
    return (
        frame.withColumn("stroke", stroke)
        .withColumn("event_id", sf.concat("event_id", sf.lit("-"), "stroke"))
        .withColumn("offset", sf.col("offset") * 10 + sf.col("stroke"))
        .drop("stroke")
    )


def _later(one_in: int, hours: int) -> Change:
    return put("received_at", f"received_at + INTERVAL {hours} HOURS", some("event_id", one_in))


def _stopped(last: date, *, hours: int) -> Change:
    """In every partition the consumer has committed nothing since so many hours before the end of the last day."""
    end = f"timestamp_seconds(unix_seconds(CAST(DATE'{last + timedelta(days=1)}' AS TIMESTAMP)) - {hours * 3600})"

    def change(frame: DataFrame) -> DataFrame:
        before = frame.where(f"observed_at <= {end}").groupBy("topic", "partition")
        stood = before.agg(sf.max("committed_offset").alias("stood"))
        stopped = sf.expr(f"if(observed_at > {end}, least(stood, committed_offset), committed_offset)")
        return frame.join(stood, on=["topic", "partition"], how="left").select(
            *(
                stopped.cast("bigint").alias(name) if name == "committed_offset" else sf.col(name)
                for name in frame.columns
            )
        )

    return change
