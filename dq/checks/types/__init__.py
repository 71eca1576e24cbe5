"""One file per expectation type that Great Expectations lacks, named as the type, which declares ``TYPE``."""
