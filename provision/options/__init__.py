"""The command line's options: what is wanted of which server."""
