"""A recurrence over a whole sequence as one call, in as many implementations as there are machines to run it on."""
