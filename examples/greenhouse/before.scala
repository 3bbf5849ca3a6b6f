org.apache.spark.streaming.StreamingContext.getActive.foreach(_.stop(stopSparkContext = false, stopGracefully = true))
