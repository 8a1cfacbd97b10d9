"""Suites: many tasks, the same settings for all, and the published numbers of others beside ours; one file a suite."""
