if "windows" in globals():
    windows.stop()
for left in spark.streams.active:
    left.stop()
