"""What runs: Spark's interpreter, a note's run, its stream, log and windows."""
