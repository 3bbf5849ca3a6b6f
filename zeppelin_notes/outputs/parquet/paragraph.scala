outputs.to("parquet", Parquet(
  folder={{ rows_folder | scala }} + "/parquet",
  keepHours={{ parquet_keep | scala }}, // 0 keeps all
  keepMb={{ parquet_keep_mb | scala }}))
