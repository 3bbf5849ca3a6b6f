windows.results.chart()
