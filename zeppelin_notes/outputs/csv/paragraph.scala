outputs.to("csv", Csv(
  folder={{ rows_folder | scala }} + "/csv",
  keepHours={{ csv_keep | scala }}, // 0 keeps all
  keepMb={{ csv_keep_mb | scala }}))
