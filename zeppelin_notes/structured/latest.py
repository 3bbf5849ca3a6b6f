windows.results.show(3)
{{ when variant = outputs }}outputs.show()
