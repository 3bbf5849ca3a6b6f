package netpie.spark

import org.apache.spark.streaming.StreamingContext
import org.apache.spark.streaming.scheduler.{StreamingListener, StreamingListenerReceiverStopped}

/** In the driver: ends the stream when one of its receivers has stopped on an error. Receivers retry whatever a retry can
  * cure, so what stops one is fatal, and Spark would only start it again, for ever. The message is kept as text in the
  * system property netpie.mqtt.failure, which `Results.show` prints. */
final class NetpieFailures(ssc: StreamingContext, streams: Set[Int]) extends StreamingListener {
  // Made here: Spark forbids its listener threads, and what threads they make, to stop the context.
  private val end = new Thread(new Runnable {
    override def run(): Unit = ssc.stop(stopSparkContext = false, stopGracefully = false)
  }, "netpie-mqtt-end")
  end.setDaemon(true)

  override def onReceiverStopped(event: StreamingListenerReceiverStopped): Unit = {
    val receiver = event.receiverInfo
    if (streams(receiver.streamId) && receiver.lastError.nonEmpty && end.getState == Thread.State.NEW) {
      System.setProperty("netpie.mqtt.failure", receiver.lastErrorMessage)
      org.slf4j.LoggerFactory.getLogger("netpie.mqtt").error("the stream ends: " + receiver.lastErrorMessage)
      end.start()
    }
  }
}
