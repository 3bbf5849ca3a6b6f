"""The page: what a note's stream does, as charts, and the note's paragraphs, in a browser. Needs the extra `page`."""
