"""The expectation types of this package: what each is called with, and how it is judged."""
