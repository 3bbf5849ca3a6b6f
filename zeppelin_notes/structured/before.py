if "windows" in globals():
    windows.end()
for left in spark.streams.active:
    left.stop()
if hasattr(globals().get("outputs"), "close"):
    outputs.close()
