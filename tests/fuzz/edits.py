"""How an input says what becomes of a file."""

UNCHANGED = bytes(4)
WHOLE = b"\1"
"""What an input begins with that is itself the content."""


def edited(content: bytes, edit: bytes) -> bytes:
    """Cut some bytes out of a file and put others in, or put other content in its place, as an edit says.

    Args:
        content: What is in the file.
        edit: WHOLE and the new content; or 0, two bytes for the place, one for how many to cut out, and what to put in.
    """
    if len(edit) < len(UNCHANGED) or edit[0] % 2:
        return edit[1:]
    place = int.from_bytes(edit[1:3], "big") % (len(content) + 1)
    return content[:place] + edit[4:] + content[place + edit[3] :]
