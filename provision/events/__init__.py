"""Events as they come: the rows that a note reads of them, what can be inferred of their form, samples, a listener."""
