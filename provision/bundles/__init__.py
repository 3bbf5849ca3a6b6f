"""Bundle + parameters -> paragraphs. Pure: touches no server."""
