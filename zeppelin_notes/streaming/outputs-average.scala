Results.table(new Time(0), spark.sql(query))

lineStream60.foreachWindow( (avgDF, time) => {
    Results.text(time) { avgDF.show }
    Results.table(time, avgDF)
})
