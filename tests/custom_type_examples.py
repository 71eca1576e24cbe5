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
VALID = [
    ("expect_partition_to_be_fresh", {**FRESH, "reference": "as_of", "min_rows": 10}),
    ("expect_days_to_be_complete", {"column": "day", "except_weekdays": ["sunday"], "except_days": ["2026-12-25"]}),
    ("expect_zero_denominators_to_be_counted", {"column": "unit_profit", "denominator": "seats"}),
    ("expect_ratio_to_be_explained", {"column": "m", "denominator": "revenue", "reason_column": "m_reason"}),
    ("expect_total_to_reconcile", {**RECONCILE, "tolerance": "0.05", "row_condition": "region <> 'x'"}),
    ("expect_totals_to_match", {**TOTALS, "by": ["product"]}),
    ("expect_published_to_rederive", {**TOTALS, "published": "replaced", "by": ["product"]}),
    ("expect_feeds_to_be_present", {"columns": ["category", "provider"]}),
    ("expect_measure_to_fit_history", HISTORY),
    ("expect_measure_to_fit_history", {"metric": "row_count", "mads": 5}),
    ("expect_rows_to_arrive_in_time", {"event": "day", "arrival": "at", "within_hours": 48, "max_share": 0.01}),
    ("expect_finals_to_hold_every_row", {"other": "expenses.late", "amount": "amount"}),
    ("expect_values_to_convert", {"column": "amount"}),
    ("expect_source_to_match_contract", {"added": True}),
    ("expect_inputs_to_be_current", {}),
    ("expect_rows_written_to_be_read_back", {}),
    ("expect_rules_to_stay", {}),
    ("expect_rules_to_be_versioned", {}),
    ("expect_run_to_complete", {}),
    ("expect_source_to_hold_its_period", {}),
]
