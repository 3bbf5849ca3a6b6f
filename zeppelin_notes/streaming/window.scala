@transient val lineStream60 = Slices.of(lineStream, window = Seconds({{ window | scala }}), slide = Seconds({{ slide | scala }}))
