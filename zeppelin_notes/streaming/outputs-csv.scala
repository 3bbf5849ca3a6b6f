Results.table(new Time(0), spark.sql(query))

lineStream60.foreachWindow( (avgDF, time) => {
    Results.text(time) { avgDF.show }
{{ when csv_header = no }}    avgDF.repartition(1).write.csv({{ out_prefix | scala }} + time.milliseconds)
{{ when csv_header = yes }}    avgDF.repartition(1).write.option("header", "true").csv({{ out_prefix | scala }} + time.milliseconds)
    Results.table(time, avgDF)
})
