"""Publish events to NETPIE: sources of events, their pace, and a connection that comes back by itself."""

from provision.publisher.fleet import fleet
from provision.publisher.host import host_metrics
from provision.publisher.publisher import Publisher, publish_all
from provision.publisher.replay import replay

__all__ = ["Publisher", "fleet", "host_metrics", "publish_all", "replay"]
