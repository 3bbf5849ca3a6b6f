"""Line ends: a note edited on Windows has other ones, which is no edit."""


def with_unix_lines(text: str) -> str:
    """The text with `\\n` for `\\r\\n` and `\\r`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_lines_of(other: str, text: str) -> str:
    """`text`, which has `\\n`, with the line ends of `other`, by its first one."""
    first = other.find("\n")
    return text.replace("\n", "\r\n") if first > 0 and other[first - 1] == "\r" else text
