"""The expectation types that a run judges by itself: a table of data, each judged where the run comes to it."""

from __future__ import annotations

from collections.abc import Mapping

from dq.checks.type_spec import KwargSpec, KwargType, TypeSpec

RUN_LEVEL: Mapping[str, TypeSpec] = {
    "expect_source_to_match_contract": TypeSpec(
        doc="The source has the columns and types of its contract.",
        sentence="columns and types must be those of the contract (judging added columns: $added).",
        kwargs={
            "added": KwargSpec(
                type=KwargType.BOOLEAN,
                default=False,
                doc="True judges columns the contract does not name, false the missing and changed ones.",
            ),
        },
    ),
    "expect_inputs_to_be_current": TypeSpec(
        doc="Every upstream version this run read is still the newest one published.",
        sentence="inputs must be the newest published versions.",
    ),
    "expect_rows_written_to_be_read_back": TypeSpec(
        doc="The rows read back from the staged files are the rows that were written.",
        sentence="rows written must be read back from the staged files.",
    ),
    "expect_source_to_hold_its_period": TypeSpec(
        doc="Every month of a source filed by month is there, and holds rows of that month only.",
        sentence="every month must be there and hold rows of its own days only.",
    ),
    "expect_report_to_be_delivered": TypeSpec(
        doc="The document made of what was published is where its readers find it; judged after the commit.",
        sentence="the report must be written where its readers find it, and that must be recorded.",
    ),
    "expect_figures_in_time": TypeSpec(
        doc="Figures are there by the service level of their pipeline, or a run says why not; judged between runs.",
        sentence="figures must be there by the service level of their pipeline.",
    ),
    "expect_rules_to_stay": TypeSpec(
        doc="No rule of calculation changed within the period or since the one before; a change is told with its date.",
        sentence="no other version of a rule may come into force.",
    ),
    "expect_rules_to_cover_days": TypeSpec(
        doc="Every rule of calculation is in force on every day that is computed.",
        sentence="every rule must be in force on every day that is computed.",
    ),
    "expect_rules_to_be_versioned": TypeSpec(
        doc="The versions of rules that published figures were computed by are still declared as they were.",
        sentence="a rule that published figures were computed by may change only as a new version from a later date.",
    ),
    "expect_files_to_be_even": TypeSpec(
        doc="No file or partition of an input is so much larger than the others that one task does most of the work.",
        sentence="no file or partition of an input may dwarf the others.",
    ),
    "expect_files_not_to_be_small": TypeSpec(
        doc="No input is cut into so many small files that opening them takes longer than reading them.",
        sentence="an input must not be cut into many small files.",
    ),
    "expect_build_sides_to_fit_memory": TypeSpec(
        doc="Every input that is small enough on disk to be broadcast in a join is also small enough in memory.",
        sentence="an input that a join broadcasts must fit into its share of the heap.",
    ),
    "expect_partitions_to_fit_memory": TypeSpec(
        doc="Every input, shuffled into as many partitions as are set, leaves each task no more than its memory holds.",
        sentence="an input that is shuffled must fit, partition by partition, into the memory of a task.",
    ),
    "expect_tasks_to_be_even": TypeSpec(
        doc="In no stage of the run one task had most of the work.",
        sentence="in no stage may one task take or read many times what the median does.",
    ),
    "expect_memory_to_suffice": TypeSpec(
        doc="The run's tasks did not spill to disk, collect garbage for long or fill a heap.",
        sentence="tasks must not spill to disk, collect garbage for long or fill a heap.",
    ),
    "expect_tasks_to_succeed": TypeSpec(
        doc="Every task of the run succeeded at once, and no executor was lost; what was repeated came out the same.",
        sentence="no task may fail and no executor be lost.",
    ),
    "expect_run_time_to_fit_history": TypeSpec(
        doc="The run took about as long as for earlier published periods.",
        sentence="reading, computing and checking must not take many times what it took for earlier periods.",
    ),
    "expect_throughput_to_fit_history": TypeSpec(
        doc="The run read about as many rows per second as for earlier published periods.",
        sentence="rows read per second must not fall to a fraction of what they were for earlier periods.",
    ),
    "expect_run_to_complete": TypeSpec(
        doc="The run reached its verdict.",
        sentence="the run must reach its verdict.",
    ),
}
