"""What the C++ backends of all recurrences share: the library, torch's operators, a call, and what lies where."""
