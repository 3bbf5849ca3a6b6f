lineStream.foreachRDD( rdd => Results.count("events", rdd.count) )

lineStream60.foreachRDD( (rdd, time) => Results.text(time) { rdd.take(10).foreach(println) } )
