"""Publish events: sources of events, their pace, and a connection that reconnects."""

from provision.publisher.event_file import FORMATS, STANDARD_INPUT
from provision.publisher.fleet import fleet
from provision.publisher.host import host_metrics
from provision.publisher.publisher import Publisher, publish_all
from provision.publisher.replay import replay
from provision.publisher.send import Run, Sent, send
from provision.publisher.tally import Tally

__all__ = [
    "FORMATS",
    "STANDARD_INPUT",
    "Publisher",
    "Run",
    "Sent",
    "Tally",
    "fleet",
    "host_metrics",
    "publish_all",
    "replay",
    "send",
]
