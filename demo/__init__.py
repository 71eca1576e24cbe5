"""The demo company: its raw tables, made by Spark from a seed, and the defects that can be planted in them."""
