"""The worst that a damaged file can do."""


class SilentLoadError(AssertionError):
    """A damaged file was taken for a whole one, and what it gives is not what was saved.

    Args:
        what: Which file, or which kind of it.
        given: What came of it.
    """

    def __init__(self, what: str, given: object) -> None:
        super().__init__(what, given)
        self.what = what
