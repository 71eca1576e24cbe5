"""Great Expectations behind one door: nothing outside imports it, nothing here before it is needed."""
