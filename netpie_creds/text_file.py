"""Text files as people's editors, shells and spreadsheets write them."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it starts with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, .xls
_SEPARATORS = ",;\t"  # Excel writes ; where the decimal point is a comma, and tabs as "Unicode Text"


class NotTextError(ValueError):
    """Bytes that are not text; the message says why and quotes none of them."""


def encoding_of(start: bytes) -> str:
    """The encoding that a file's first bytes name by a byte order mark; UTF-8 without one."""
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


def decode_text(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, with `\\n` as the end of each line.

    Raises: NotTextError.
    """
    failure = ""
    if data.startswith(WORKBOOKS):
        raise NotTextError("it is a spreadsheet's own file, not text; save it as CSV UTF-8")
    try:
        text = data.decode(encoding_of(data))
        if "\0" in text:
            failure = "it is not text, or UTF-16 without a byte order mark; save it as UTF-8"
        elif not text and encoding_of(data).startswith(("utf-16", "utf-32")):
            failure = "it is not text in UTF-8: a byte order mark of another encoding and nothing else"
        else:
            return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        failure = f"it is not text: line {line} is no text in UTF-8; save it as UTF-8"
    raise NotTextError(failure)  # outside of the except block: the cause holds the file's bytes, secrets included


def separator_of(header: str) -> str:
    """The character between the columns of a CSV file whose first line is `header`: a comma, semicolon or tab."""
    return max(_SEPARATORS, key=header.count)
