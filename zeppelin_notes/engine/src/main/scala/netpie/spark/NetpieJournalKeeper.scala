package netpie.spark

import scala.util.control.NonFatal
import org.apache.spark.SparkContext
import org.apache.spark.streaming.scheduler.{StreamingListener, StreamingListenerBatchCompleted}
import org.apache.spark.streaming.scheduler.{StreamingListenerReceiverStarted, StreamingListenerReceiverStopped}

/** In the driver: deletes from the journals what has been processed: what is in the batches until one is done that ends a
  * window, as it does every `slideMillis`, counted from the beginning of the first batch, which is `batchMillis` long. */
final class NetpieJournalKeeper(
    sc: SparkContext,
    journals: Array[NetpieJournal],
    batchMillis: Long,
    slideMillis: Long) extends StreamingListener {
  private var receiving = 0
  private var zero = -1L

  override def onReceiverStarted(event: StreamingListenerReceiverStarted): Unit = receiving += 1

  override def onReceiverStopped(event: StreamingListenerReceiverStopped): Unit = receiving -= 1

  /** A batch that fails is done too, as its query is what failed; but not while the stream or Spark ends, which breaks
    * batches off. Spark may end with no word of the receivers. */
  override def onBatchCompleted(event: StreamingListenerBatchCompleted): Unit = {
    val failed = event.batchInfo.outputOperationInfos.values.exists(_.failureReason.isDefined)
    val brokenOff = failed && (receiving <= 0 || sc.isStopped)
    val time = event.batchInfo.batchTime.milliseconds
    if (zero < 0) zero = time - batchMillis
    try for (journal <- journals) {
      if (!brokenOff && (time - zero) % slideMillis == 0) journal.forget(time)
      if (receiving <= 0) journal.leave()
    } catch { case NonFatal(problem) => org.slf4j.LoggerFactory.getLogger("netpie.mqtt").warn("journal: " + problem) }
  }
}
