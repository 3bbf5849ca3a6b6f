"""The project file, `provision.toml`: found, read, and put below the command line."""
