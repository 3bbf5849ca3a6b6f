"""A listener to an account's topics, with a client of its own beside the note's and the publisher's."""

from collections.abc import Callable

from provision.bundles.values.topics import split_topics
from provision.events.listen import Listener
from provision.home import private_dir, state_dir
from provision.options.application import ApplicationOptions
from provision.publisher import PublisherThing

SHORTEST, MOST = 1e-6, 1e9  # seconds


def listener(application: ApplicationOptions, topic: str, say: Callable[[str], None]) -> Listener:
    """A listener to `topic`, which may be several with commas between, as the parameter of that name has it."""
    named = application.application()
    folder = private_dir((application.cache_dir or private_dir(state_dir() / "netpie")) / "listener")
    thing = PublisherThing(named, folder, application.auth_server())
    topics = [f"/{named.appid}/{each}" for each in split_topics(topic)]
    return Listener(thing.login, topics, renew=thing.renew, say=say)
