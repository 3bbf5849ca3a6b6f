"""`provision`: note bundles into a Zeppelin server, and the stack to try them on. See README.md."""
