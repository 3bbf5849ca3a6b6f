# It draws the table averages. SQL draws other columns of it: windows.results.chart("select window_end, id, `avg(cpu)` from averages")
windows.results.chart()
