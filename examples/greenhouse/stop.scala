// Run this paragraph to stop the stream: what has been received is processed first.
import org.apache.spark.streaming._

StreamingContext.getActive.foreach(_.stop(stopSparkContext = false, stopGracefully = true))
