"""Where events come from: credentials, topics, limits."""
