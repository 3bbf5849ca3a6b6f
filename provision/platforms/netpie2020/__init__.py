"""NETPIE 2020: a device (client id, token, secret), or a FlowChannel for many."""
