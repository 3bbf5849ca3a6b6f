"""A double of Zeppelin for tests: notes in memory, REST and websocket, in the ways of 0.8, 0.10, 0.11 or 0.12.

`FakeZeppelin` is the server. `Answer` and `Drop`, and `ok`, `refused` and `html` that make answers, are for
`fail_next`.
"""

from zeppelin_sdk.testing._answers import Answer, Drop, Request, html, ok, refused
from zeppelin_sdk.testing._fake import FakeZeppelin, Interpreter
from zeppelin_sdk.testing._routes import VERSIONS

__all__ = ["VERSIONS", "Answer", "Drop", "FakeZeppelin", "Interpreter", "Request", "html", "ok", "refused"]
