import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming._

StreamingContext.getActive.foreach(_.stop(stopSparkContext = false, stopGracefully = false))
@transient val ssc = new StreamingContext(sc, Seconds({{ batch | scala }}))
Results.of(ssc)
