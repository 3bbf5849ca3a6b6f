@transient val lineStream60 = lineStream.window(Seconds({{ window | scala }}), Seconds({{ slide | scala }}))
