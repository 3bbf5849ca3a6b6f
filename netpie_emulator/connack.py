"""The answers to CONNECT."""

from enum import IntEnum


class Connack(IntEnum):
    """What a broker answers (MQTT 3.1.1, 3.2.2.3)."""

    ACCEPTED = 0
    WRONG_PROTOCOL = 1
    UNAVAILABLE = 3
    TOKEN_INVALID = 4  # NETPIE 2015: drop the token and get another
    NOT_AUTHORISED = 5  # NETPIE 2015: the key is disabled; try again, slowly. NETPIE 2020: wrong credentials too
