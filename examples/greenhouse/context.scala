import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming._

StreamingContext.getActive.foreach(_.stop(stopSparkContext = false, stopGracefully = false))
@transient val ssc = new StreamingContext(sc, Seconds({{ batch | scala }}))
Results.of(ssc)
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")
