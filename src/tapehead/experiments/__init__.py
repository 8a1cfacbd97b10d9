"""Grids of runs, their records, tables and pictures."""
