"""The commands of `provision`, one module each, imported on use."""
