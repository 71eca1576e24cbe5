"""All checks of one dataset, planned and judged by the rules of the house."""
