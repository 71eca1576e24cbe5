"""What speaks to Spark: its session, files by their very names, checked SQL, and what jobs compute with."""
