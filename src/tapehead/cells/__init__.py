"""Recurrent cells: their parameters, their initial state, and their steps."""
