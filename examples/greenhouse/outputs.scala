Results.table(new Time(0), spark.sql(query))

lineStream60.foreachWindow( (readings, time) => {
    Results.text(time) { readings.show }
    readings.repartition(1).write.csv({{ out_prefix | scala }} + time.milliseconds)
    Results.table(time, readings)
})
