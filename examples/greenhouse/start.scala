ssc.start
println("The stream runs. Spark's own page: " + sc.uiWebUrl.getOrElse("off"))
