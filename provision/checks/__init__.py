"""The checks of `provision doctor`, one module per part. Their errors become findings."""
