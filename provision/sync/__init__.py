"""A note on a server, three ways: provenance, plan, apply, undo, pull, remove."""
