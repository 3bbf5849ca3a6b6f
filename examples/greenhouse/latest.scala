Results.show(3)
