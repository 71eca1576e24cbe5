"""Valid kwargs of every custom expectation type."""

from __future__ import annotations

RECONCILE = {
    "lines": {"marketing": "expense_marketing", "payroll": "expense_payroll"},
    "other": "ledger",
    "other_line": "line",
    "other_amount": "amount",
}
TOTALS = {"pairs": [{"column": "*", "other": "*"}, {"column": "amount", "other": "total"}], "other": "units"}
FRESH = {"column": "day", "max_age_hours": 24}
HISTORY = {"metric": "mean", "column": "amount", "low": 0.5, "high": 2}
REFERENCE = {"columns": ["account_id"], "other": "accounts", "other_columns": ["account_id"]}
REPEATS = {"columns": ["event_id"], "delivery": ["received_at"]}
VALID = [
    ("expect_values_to_refer_to", {**REFERENCE, "max_share": 0.01, "amount": "amount", "max_amount": "500.00"}),
    ("expect_distinct_counts_to_match", {"column": "wau", "other": "units", "other_column": "user_id", "by": ["day"]}),
    (
        "expect_cohort_to_match",
        {
            "retained": "retained",
            "lost": "lost",
            "other": "units",
            "unit": ["account_id"],
            "opening": "mrr_opening",
            "closing": "mrr_closing",
            "by": ["region"],
            "other_by": ["region_before"],
        },
    ),
    (
        "expect_distinct_counts_to_match",
        {
            "column": "wau",
            "other": "units.so_far",
            "other_column": "user_id",
            "so_far": "week",
            "through": "day",
            "reason_column": "wau_reason",
        },
    ),
    ("expect_heaviest_key_share_to_be_at_most", {"column": "account_id", "max_share": 0.25}),
    ("expect_rows_per_key_to_be_at_most", {"column": "account_id", "max_rows": 400}),
    ("expect_repeated_keys_to_be_identical", REPEATS),
    ("expect_redeliveries_to_be_rare", {**REPEATS, "high": 3, "minimum_history": 3}),
    ("expect_rows_to_arrive_in_time", {"event": "at", "arrival": "received_at", "within_hours": 24}),
    ("expect_instants_to_lie_on_their_day", {"column": "at", "day": "day"}),
    ("expect_sessions_to_end", {"column": "kind", "closing": "session_end", "user": "user_id", "time": "at"}),
    ("expect_offsets_to_be_contiguous", {"columns": ["partition"], "offset": "offset", "arrival": "received_at"}),
    (
        "expect_consumer_lag_to_be_bounded",
        {"columns": ["partition"], "observed": "at", "end": "end", "committed": "committed", "max_hours": 48},
    ),
    ("expect_partition_to_be_fresh", {**FRESH, "reference": "as_of", "min_rows": 10}),
    ("expect_days_to_be_complete", {"column": "day", "except_weekdays": ["sunday"], "except_days": ["2026-12-25"]}),
    ("expect_days_to_be_complete", {"column": "day", "row_condition": "row_kind = 'day'"}),
    ("expect_days_to_be_complete", {"column": "day", "max_missing": 2}),
    ("expect_days_to_be_complete", {"column": "day", "min_share": 0.5, "minimum_history": 14}),
    ("expect_zero_denominators_to_be_counted", {"column": "unit_profit", "denominator": "seats"}),
    (
        "expect_ratio_to_be_explained",
        {"column": "m", "denominator": "revenue", "reason_column": "m_reason", "zero_reason": "no_revenue"},
    ),
    (
        "expect_rows_to_be_immaterial",
        {"where": "status = 'closed'", "day": "day", "max_share": 1, "amount": "mrr", "max_amount": "10.00"},
    ),
    ("expect_total_to_reconcile", {**RECONCILE, "tolerance": "0.05", "row_condition": "region <> 'x'"}),
    ("expect_totals_to_match", {**TOTALS, "by": ["product"]}),
    ("expect_columns_to_add_up", {"column": "closing", "plus": ["opening", "new"], "minus": ["churn"]}),
    ("expect_sequences_without_gaps", {"column": "number", "group": ["account_id"], "order": "effective_date"}),
    ("expect_published_to_rederive", {**TOTALS, "published": "replaced", "by": ["product"]}),
    ("expect_feeds_to_be_present", {"columns": ["category", "provider"]}),
    ("expect_feeds_to_be_present", {"columns": ["category", "provider"], "day": "day", "grace_days": 1}),
    ("expect_measure_to_fit_history", HISTORY),
    ("expect_measure_to_fit_history", {"metric": "row_count", "mads": 5}),
    ("expect_rows_to_arrive_in_time", {"event": "day", "arrival": "at", "within_hours": 48, "max_share": 0.01}),
    ("expect_finals_to_hold_every_row", {"other": "expenses.late", "amount": "amount"}),
    ("expect_finals_to_hold_every_row", {"other": "clicks.late", "of": "clicks.previous", "max_share": 0.01}),
    ("expect_values_to_convert", {"column": "amount"}),
    ("expect_source_to_match_contract", {"added": True}),
    ("expect_inputs_to_be_current", {}),
    ("expect_rows_written_to_be_read_back", {}),
    ("expect_rules_to_stay", {}),
    ("expect_rules_to_be_versioned", {}),
    ("expect_rules_to_cover_days", {}),
    ("expect_run_to_complete", {}),
    ("expect_files_to_be_even", {}),
    ("expect_files_not_to_be_small", {}),
    ("expect_build_sides_to_fit_memory", {}),
    ("expect_partitions_to_fit_memory", {}),
    ("expect_tasks_to_be_even", {}),
    ("expect_memory_to_suffice", {}),
    ("expect_tasks_to_succeed", {}),
    ("expect_run_time_to_fit_history", {}),
    ("expect_throughput_to_fit_history", {}),
    ("expect_report_to_be_delivered", {}),
    ("expect_figures_in_time", {}),
    ("expect_source_to_hold_its_period", {}),
]
