// A Spark application that tests drive: a line on standard input is a command, a line "PROBE WORD TEXT" an answer.
import netpie.spark._
import org.apache.spark.{SparkConf, SparkContext, SparkEnv}
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.SparkSession
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming._
import org.apache.spark.streaming.dstream.{DStream, ReceiverInputDStream}
import org.apache.spark.streaming.mqtt._
import org.apache.spark.streaming.scheduler._

/** Makes elements of messages with a class that is missing. */
class Broken extends ((String, String) => String) with Serializable {
  override def apply(topic: String, text: String): String = throw new NoClassDefFoundError("example/Missing")
}

object Probe {
  def say(word: String, text: Any): Unit = println("PROBE " + word + " " + text.toString.replace("\n", "\\n"))

  def main(args: Array[String]): Unit = {
    val conf = new SparkConf().setMaster("local[4]").setAppName("probe").set("spark.ui.port", "0")
      .set("spark.executor.heartbeatInterval", "300ms")
    val sc = new SparkContext(conf.set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1"))
    sc.setLogLevel("ERROR")
    var ssc: StreamingContext = null
    var stream: DStream[String] = null
    var configured = Array[String]()
    say("ready", sc.version)
    for (line <- scala.io.Source.stdin.getLines()) {
      val words = line.split("\t")
      val options = words.tail.map(_.split("=", 2)).map(pair => pair(0) -> pair(1)).toMap
      words(0) match {
        case "start" =>
          configured.foreach(SparkEnv.get.conf.remove(_))
          configured = for (pair <- options.getOrElse("conf", "").split(",").filter(_.nonEmpty)) yield {
            val Array(name, value) = pair.split("=")
            SparkEnv.get.conf.set(name, value)
            name
          }
          ssc = new StreamingContext(sc, Milliseconds(500))
          options.get("checkpoint").foreach(ssc.checkpoint(_))
          ssc.addStreamingListener(new Reporter)
          stream = try { if (options.contains("bahir")) bahir(ssc, options) else connector(ssc, options) } catch {
            case refusal: IllegalArgumentException => say("refused", refusal.getMessage); null
          }
          if (stream != null) stream.foreachRDD { rdd =>
            val messages = rdd.collect()
            if (messages.nonEmpty) say("blocks", rdd.getNumPartitions)
            Thread.sleep(messages.length * options.getOrElse("millisEach", "0").toLong)
            for (millis <- options.get("jobMillis") if messages.nonEmpty) {
              say("job", "started")
              rdd.foreach(_ => Thread.sleep(millis.toLong))
            }
            messages.foreach(say("message", _))
          }
          if (stream != null) ssc.start()
        case "stop" =>
          ssc.stop(stopSparkContext = false, stopGracefully = options.contains("graceful"))
          say("stopped", "")
        case "end" => // as Zeppelin does before it ends its interpreter
          sc.stop()
          say("ended", "")
        case "read" => read(sc, options)
        case "fail" =>
          ssc = new StreamingContext(sc, Milliseconds(500))
          fail(ssc, options("how"), options("folder"))
        case "state" => say("state", ssc.getState())
        case "page" => say("page", sc.uiWebUrl.get)
        case "counters" => say("counters", NetpieMqtt.counters(stream).toSeq.sorted.map(c => c._1 + "=" + c._2).mkString(" "))
        case "threads" =>
          val names = Thread.getAllStackTraces.keySet.toArray.map(_.asInstanceOf[Thread].getName)
          say("threads", names.filter(name => name.startsWith("MQTT") || name.startsWith("netpie")).mkString(","))
      }
    }
    sc.stop()
  }

  private def text(packed: String): String = new String(java.util.Base64.getDecoder.decode(packed.drop(1)), "UTF-8")

  private def shown: String = {
    val printed = new java.io.ByteArrayOutputStream
    Console.withOut(printed) { Results.show(1) }
    printed.toString("UTF-8")
  }

  /** The rows of a query over a window of a minute until 2018-10-29T02:54:36Z, and the counts. */
  private def read(sc: SparkContext, options: Map[String, String]): Unit = {
    val spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.ansi.enabled", options.getOrElse("ansi", "false"))
    val context = new StreamingContext(sc, Seconds(1))
    Results.clear()
    val columns = new {
      val fields = text(options("fields"))
      val timeFormat = text(options("timeFormat"))
      val isEvent = text(options("isEvent"))
      val time = text(options("time"))
    }
    val (lines, pairs) = (context.queueStream(queue[String]), context.queueStream(queue[(String, String)]))
    try {
      val messages = sc.parallelize(options("messages").split(" ").toSeq.map(text), 2)
      val topics = options.contains("topics")
      val slices = if (topics) Slices.of(pairs, columns, Seconds(60), Seconds(10)) else Slices.of(lines, columns, Seconds(60), Seconds(10))
      val elements: RDD[_] = if (topics) messages.map("/app/x" -> _) else messages
      val end = new Time(1540781676000L)
      slices.add(elements.asInstanceOf[RDD[Any]], end)
      val rows = slices.rows(end, text(options("query"))).collect.mkString(";")
      slices.close()
      say("read", rows + " " + shown.split("\n").find(_.startsWith("counts: ")).get)
    } catch { case problem: Exception => say("unusable", problem) }
    finally context.stop(stopSparkContext = false)
  }

  private def queue[T] = new scala.collection.mutable.Queue[RDD[T]]()

  /** A stream whose batches fail in the way `how`, then no longer; says what the note shows of that. */
  private def fail(ssc: StreamingContext, how: String, folder: String): Unit = {
    val spark = SparkSession.builder.getOrCreate()
    @volatile var failing = true
    Results.of(ssc)
    ssc.queueStream(queue[Int], true, ssc.sparkContext.parallelize(Seq(0, 1))).foreachRDD { rdd =>
      if (failing) how match {
        case "query" => spark.sql("select nonsense from averages")
        case "task" => rdd.map(1 / _).count
        case "files" => spark.range(1).write.csv(folder)
      }
    }
    ssc.start()
    for ((word, sign) <- Seq("failing" -> "batches in a row", "well" -> "well again")) {
      val end = System.currentTimeMillis + 60000
      while (!shown.contains(sign) && System.currentTimeMillis < end) Thread.sleep(50)
      failing = false
      say(word, shown)
    }
  }

  private def connector(ssc: StreamingContext, options: Map[String, String]): DStream[String] = {
    val (url, topics) = (options("url"), options("topics").split(" ").toSeq)
    val clientId = options.getOrElse("clientId", "")
    if (options.contains("broken")) {
      val login = NetpieMqtt.anonymous
      val settings = new NetpieSettings(url, topics.toArray, clientId, login, 1, true, 5, 60, 4, 5000, 200, 20, 100, NetpieMqtt.ofJava, "")
      NetpieMqtt.streams(ssc, Seq(settings), NetpieMqtt.eachBatch, StorageLevel.MEMORY_ONLY, new Broken).head
    } else if (options.contains("topicColumn"))
      NetpieMqtt.createTopicStream(ssc, url, topics, clientId).map { case (topic, text) => topic + " " + text }
    else
      NetpieMqtt.createStream(
        ssc,
        url,
        topics,
        clientId,
        login = options.get("hmacKey").map(NetpieMqtt.signed(options("username"), _))
          .orElse(options.get("password").map(NetpieMqtt.fixed(options("username"), _))).getOrElse(NetpieMqtt.anonymous),
        tls = NetpieMqtt.tls(pem(options, "ca"), pem(options, "certificate"), pem(options, "key")),
        qos = options.getOrElse("qos", "1").toInt,
        cleanSession = options.getOrElse("cleanSession", "true").toBoolean,
        connectionTimeoutSeconds = options.getOrElse("timeout", "5").toInt,
        flushMessages = options.getOrElse("flushMessages", "5000").toInt,
        retryMillis = options.getOrElse("retryMillis", "100").toInt,
        receivers = options.getOrElse("receivers", "1").toInt,
        sharing = options.getOrElse("sharing", "shared"),
        caFile = options.getOrElse("caFile", ""),
        journal = options.getOrElse("journal", ""),
        slide = Milliseconds(options.getOrElse("slideMillis", "0").toLong))
  }

  private def pem(options: Map[String, String], name: String): String =
    options.get(name).map(file => new String(java.nio.file.Files.readAllBytes(java.nio.file.Paths.get(file)), "UTF-8")).getOrElse("")

  // The call of the document's note, with its import and its named arguments.
  private def bahir(ssc: StreamingContext, options: Map[String, String]): ReceiverInputDStream[String] = {
    val lineStream = MQTTUtils.createStream(ssc,
                 brokerUrl=options("url"),
                 topic=options("topics"),
                 storageLevel=StorageLevel.MEMORY_ONLY_SER_2,
                 clientId=Some(options("clientId")),
                 username=Some(options("username")),
                 password=Some(options("password")),
                 cleanSession=None,
                 qos=None,
                 connectionTimeout=None,
                 keepAliveInterval=None,
                 mqttVersion=None)
    lineStream
  }

  class Reporter extends StreamingListener {
    override def onReceiverStarted(event: StreamingListenerReceiverStarted): Unit = say("receiver", "started")
    override def onReceiverError(event: StreamingListenerReceiverError): Unit =
      say("error", event.receiverInfo.lastErrorMessage + event.receiverInfo.lastError)
    override def onReceiverStopped(event: StreamingListenerReceiverStopped): Unit =
      say("receiver-stopped", event.receiverInfo.lastErrorMessage + event.receiverInfo.lastError)
    override def onBatchCompleted(event: StreamingListenerBatchCompleted): Unit = say("batch", event.batchInfo.numRecords)
  }
}
