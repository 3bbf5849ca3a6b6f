windows.results.check_note()


def outputs(rows, end):
    windows.results.table(rows, end)
