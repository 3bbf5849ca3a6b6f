@transient val lineStream60 = Slices.of(lineStream, columns = Columns, window = Seconds({{ window | scala }}), slide = Seconds({{ slide | scala }}))
