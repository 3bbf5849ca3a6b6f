windows.results.show(3)
