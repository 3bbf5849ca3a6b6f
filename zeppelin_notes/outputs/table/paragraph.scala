outputs.to("table") { (rows, time) =>
  Results.text(time) { rows.show }
  Results.table(time, rows)
}
