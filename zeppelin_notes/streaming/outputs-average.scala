Results.table(new Time(0), spark.sql(query))

lineStream.foreachRDD( rdd => Measures.count(rdd) )

lineStream60.foreachRDD( (rdd, time) => {
    Measures.read(rdd).createOrReplaceTempView("measure")
    val avgDF = spark.sql(spark.conf.get("netpie.query")).cache
    Results.text(time) { avgDF.show }
    Results.table(time, avgDF)
    avgDF.unpersist()
})
