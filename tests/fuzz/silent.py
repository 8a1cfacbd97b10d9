"""The worst that a damaged file can do."""


class SilentLoadError(AssertionError):
    """A damaged file was taken for a whole one, and what it gives is not what was saved."""
