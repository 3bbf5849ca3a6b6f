"""`provision`: provisions note bundles into a Zeppelin server, and runs a stack to try them on. See README.md."""
