"""The commands of `provision`, a module each; imported when they are used."""
