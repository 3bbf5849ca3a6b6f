def outputs(rows, end):
    windows.results.table(rows, end)
