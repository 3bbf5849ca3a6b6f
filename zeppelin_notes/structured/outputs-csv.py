windows.results.check_note()


def outputs(rows, end):
{{ when csv_header = no }}    rows.coalesce(1).write.mode("overwrite").csv({{ out_prefix | python }} + str(end))
{{ when csv_header = yes }}    rows.coalesce(1).write.mode("overwrite").option("header", "true").csv({{ out_prefix | python }} + str(end))
    windows.results.table(rows, end)
