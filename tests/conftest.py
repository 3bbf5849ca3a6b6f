"""What holds for every test."""

import signal


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)
