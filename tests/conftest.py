"""What holds for every test."""

import signal

from hypothesis import settings

# A busy machine may take any time for an example: what a test asserts is never its speed.
settings.register_profile("any-speed", deadline=None)
settings.load_profile("any-speed")


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)
