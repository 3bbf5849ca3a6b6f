lineStream.foreachRDD( rdd => Results.count("events", Results.events(rdd)) )

lineStream60.foreachRDD( (rdd, time) => Results.text(time) { rdd.take(10).foreach(println) } )
