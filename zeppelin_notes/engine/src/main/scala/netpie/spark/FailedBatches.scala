package netpie.spark

import org.apache.spark.streaming.Time

/** Which batches of a stream had an output that failed, and why, in words. */
final class FailedBatches {
  private val generic = Set("", "Analysis", "IllegalArgument", "IllegalState", "IO", "Parse", "Runtime")
  private var failed = 0
  private var inARow = 0
  private var since, last = new Time(0)
  private var reason = ""

  /** Takes what became of the batch that ended at `time`: why one of its outputs failed, as Spark tells it, if one did. */
  def ended(time: Time, failure: Option[String]): Unit = synchronized {
    if (failure.nonEmpty) {
      if (inARow == 0) since = time
      failed += 1
      last = time
      reason = why(failure.get)
    }
    inARow = if (failure.isEmpty) 0 else inARow + 1
  }

  /** What there is to say, nothing where no batch has failed. */
  def text: String = synchronized {
    def at(time: Time) = java.time.Instant.ofEpochMilli(time.milliseconds)
    def fails(which: String) = "THE STREAM FAILS: " + which + at(since) + ". Windows are missing, or not whole. The reason:"
    def before = "The stream is well again. Batches that failed before: " + failed + ", the last until " + at(last) + ":"
    if (failed == 0) ""
    else {
      val what =
        if (inARow == 0) before
        else if (inARow == 1) fails("the newest batch, until ")
        else fails(inARow + " batches in a row, since ")
      what + "\n  " + reason
    }
  }

  /** The deepest cause's message, without Java's names; that of a class of its own kind becomes words. */
  private def why(failure: String): String = {
    val lines = failure.split("\n").map(_.trim).filter(_.nonEmpty)
    val deepest = lines.filter(_.startsWith("Caused by: ")).lastOption.orElse(lines.headOption).getOrElse("")
    val task = "^.* most recent failure: .*?\\(TID [^)]*\\) \\(.*?\\): "
    val thrown = "(?:[\\w$]+\\.)+([\\w$]*?)(?:Exception|Error)(?:: (.*))?".r
    deepest.stripPrefix("Caused by: ").replaceFirst(task, "") match {
      case thrown(name, message) =>
        val kind = name.stripPrefix("Spark")
        val words = if (generic(kind)) "" else kind.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase
        val told = if (message == null) "" else message.replaceFirst("^\\[[A-Z0-9_.]+\\] ", "").stripSuffix(";")
        Seq(words, told).filter(_.nonEmpty).mkString(": ")
      case other => other
    }
  }
}
