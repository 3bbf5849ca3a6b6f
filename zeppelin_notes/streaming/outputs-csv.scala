Results.table(new Time(0), spark.sql(query))

lineStream60.foreachWindow( (avgDF, time) => {
    Results.text(time) { avgDF.show }
    avgDF.repartition(1).write.csv({{ out_prefix | scala }} + time.milliseconds)
    Results.table(time, avgDF)
})
