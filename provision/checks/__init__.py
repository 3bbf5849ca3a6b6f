"""What `provision doctor` looks at, a module a part. Errors that a check meets become findings."""
