"""The data docs: one static site of run pages, suite pages, runbook pages and an index."""
