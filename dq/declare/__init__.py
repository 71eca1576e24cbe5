"""What is declared, read together: suites, registry, settings, and every mistake in them at once."""
