// Run this paragraph to end the stream: what it has received is processed first.
org.apache.spark.streaming.StreamingContext.getActive.foreach { running =>
  running.stop(stopSparkContext = false, stopGracefully = true)
  println("The stream has ended.")
}
