import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming._
import org.apache.spark.streaming.mqtt._

val ssc = new StreamingContext(sc, Seconds({{ batch | scala }}))
