// Drives a stream by hand: each step makes a batch of events, moves Spark's clock on by a slide, and waits for the batch.
object BenchLines extends Serializable {
  /** Events of the document's form, in the seconds from `from` (epoch ms) on, kept as a receiver keeps them. */
  def make(sc: org.apache.spark.SparkContext, from: Long, seconds: Int, events: Long, partitions: Int): org.apache.spark.rdd.RDD[String] = {
    val form = java.time.format.DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssZ").withZone(java.time.ZoneId.systemDefault)
    val stamps = Array.tabulate(seconds)(i => form.format(java.time.Instant.ofEpochMilli(from + 1000L * i)))
    val lines = sc.range(0L, events, 1L, partitions).map { i =>
      val chance = new java.util.SplittableRandom(from + i)
      "{\"ts\": \"" + stamps((i * seconds / events).toInt) + "\", \"id\": \"host-00" + (100 + i % 100).toString.substring(1) +
        "\", \"loadavg\": " + chance.nextInt(99999) / 1e4 + ", \"cpu\": " + (100000 + chance.nextInt(800000)) / 1e4 +
        ", \"mem\": " + (100000 + chance.nextInt(800000)) / 1e4 + "}"
    }.persist(org.apache.spark.storage.StorageLevel.MEMORY_AND_DISK_SER)
    lines.count
    lines
  }
}

object BenchClock {
  private val ended = new java.util.concurrent.LinkedBlockingQueue[java.lang.Long]

  val listener = new org.apache.spark.streaming.scheduler.StreamingListener {
    override def onBatchCompleted(done: org.apache.spark.streaming.scheduler.StreamingListenerBatchCompleted): Unit =
      ended.add(done.batchInfo.batchTime.milliseconds)
  }

  // The clock is Spark's own for tests, out of reach of a compiler outside its packages.
  private def clock(ssc: org.apache.spark.streaming.StreamingContext): AnyRef = {
    val scheduler = ssc.getClass.getMethod("scheduler").invoke(ssc)
    scheduler.getClass.getMethod("clock").invoke(scheduler)
  }

  def now(ssc: org.apache.spark.streaming.StreamingContext): Long = {
    val own = clock(ssc)
    own.getClass.getMethod("getTimeMillis").invoke(own).asInstanceOf[Long]
  }

  def set(ssc: org.apache.spark.streaming.StreamingContext, millis: Long): Unit = {
    val own = clock(ssc)
    own.getClass.getMethod("setTime", classOf[Long]).invoke(own, java.lang.Long.valueOf(millis))
  }

  /** Milliseconds from the batch's begin to its end; throws what the stream has failed with. */
  def step(ssc: org.apache.spark.streaming.StreamingContext, millis: Long): Long = {
    val began = System.nanoTime
    set(ssc, now(ssc) + millis)
    var last = 0L
    while (last < now(ssc)) {
      val next = ended.poll(1, java.util.concurrent.TimeUnit.SECONDS)
      if (next == null) ssc.awaitTerminationOrTimeout(1) else last = next
    }
    (System.nanoTime - began) / 1000000
  }
}

val benchQueue = new scala.collection.mutable.Queue[org.apache.spark.rdd.RDD[String]]()

def benchStep(seconds: Int, events: Long, partitions: Int): Unit = {
  val lines = BenchLines.make(sc, BenchClock.now(ssc), seconds, events, partitions)
  benchQueue.synchronized { benchQueue += lines }
  try Bench.say("step " + BenchClock.step(ssc, 1000L * seconds))
  catch { case problem: Throwable => Bench.say("failure " + problem) }
}
