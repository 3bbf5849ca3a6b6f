if "windows" in globals():
    windows.end()
for left in spark.streams.active:
    left.stop()
