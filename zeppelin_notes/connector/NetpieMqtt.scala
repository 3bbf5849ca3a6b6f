// An MQTT receiver for Spark Streaming: batches into Spark's store, acknowledges only what Spark has stored, reconnects
// by itself, disconnects when stopped, and signs a fresh NETPIE password at every connect.
//
// One source for two homes. It is typed into a %spark paragraph as it stands, and it is compiled into a jar. So it keeps to
// what every Spark shell from Scala 2.11 to 2.13 accepts, line by line: no package clause, no two blank lines in a row, no
// dollar sign followed by a brace (a form to Zeppelin), and every class is final and names no other class but by its type.
// Such a class holds no reference to the shell's wrapper object, and so not to what else a note has defined.
import com.codahale.metrics.{Gauge, MetricRegistry}
import java.io.{BufferedInputStream, ByteArrayInputStream, ByteArrayOutputStream, DataInputStream, DataOutputStream}
import java.io.{FilterOutputStream, InputStream, ObjectInputStream, ObjectOutputStream, OutputStream}
import java.lang.invoke.{MethodHandles, MethodType}
import java.lang.reflect.{InvocationHandler, Method, Proxy}
import java.net.{InetAddress, Socket}
import java.nio.charset.StandardCharsets
import java.nio.file.{Files, Path => LocalPath, Paths, StandardCopyOption}
import java.security.{GeneralSecurityException, KeyStore, MessageDigest}
import java.security.cert.CertificateFactory
import java.util.{ArrayList, Base64, UUID}
import java.util.concurrent.{ArrayBlockingQueue, ConcurrentHashMap, CountDownLatch, LinkedBlockingQueue}
import java.util.concurrent.{ThreadLocalRandom, TimeUnit}
import java.util.concurrent.atomic.AtomicLong
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import javax.net.SocketFactory
import javax.net.ssl.{SSLContext, TrustManagerFactory}
import scala.collection.mutable.ArrayBuffer
import scala.reflect.ClassTag
import scala.util.control.NonFatal
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileSystem, Path}
import org.apache.spark.{SparkContext, SparkEnv}
import org.apache.spark.scheduler.{AccumulableInfo, SparkListener, SparkListenerExecutorMetricsUpdate, SparkListenerTaskEnd}
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Duration, StreamingContext, StreamingContextState}
import org.apache.spark.streaming.dstream.{DStream, InputDStream, ReceiverInputDStream}
import org.apache.spark.streaming.receiver.Receiver
import org.apache.spark.streaming.scheduler.{StreamingListener, StreamingListenerBatchCompleted}
import org.apache.spark.streaming.scheduler.{StreamingListenerReceiverStarted, StreamingListenerReceiverStopped}
import org.apache.spark.util.LongAccumulator
import org.eclipse.paho.client.mqttv3.{IMqttDeliveryToken, MqttCallback, MqttMessage}
import org.eclipse.paho.client.mqttv3.{MqttAsyncClient, MqttConnectOptions, MqttException, MqttTopic}
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence

/** Who connects. With an `hmacKey` the user name is NAME%EPOCH and the password is signed afresh for each connect, as
  * NETPIE 2015 wants it; without one, name and password are sent as they are; without a name, neither is sent. */
final class NetpieLogin(name: Option[String], fixedPassword: Option[String], hmacKey: Option[String]) extends Serializable {
  def username(epochSeconds: Long): Option[String] =
    if (hmacKey.isDefined) name.map(_ + "%" + epochSeconds) else name

  def password(clientId: String, user: String): Option[String] =
    hmacKey.map(signature(_, clientId + "%" + user)).orElse(fixedPassword)

  def isSigned: Boolean = hmacKey.isDefined

  private def signature(key: String, text: String): String = {
    val mac = Mac.getInstance("HmacSHA1")
    mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA1"))
    Base64.getEncoder.encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)))
  }
}

/** What a stream's receivers need to know. Times are in the unit that the name says; see `NetpieMqtt.createStream`. */
final class NetpieSettings(
    val brokerUrl: String,
    val topics: Array[String],
    val clientId: String,
    val login: NetpieLogin,
    val qos: Int,
    val cleanSession: Boolean,
    val connectionTimeoutSeconds: Int,
    val keepAliveSeconds: Int,
    val mqttVersion: Int,
    val flushMessages: Int,
    val flushMillis: Int,
    val inflight: Int,
    val retryMillis: Int,
    val caFile: String,
    val journal: String) extends Serializable {
  require(brokerUrl.matches("(tcp|ssl|ws|wss)://[^/].*"), "brokerUrl has to be like tcp://HOST:PORT, not " + brokerUrl)
  require(topics.nonEmpty, "topics has to name at least one topic")
  topics.foreach(MqttTopic.validate(_, true))
  require(qos >= 0 && qos <= 2, "qos has to be 0, 1 or 2, not " + qos)
  require(cleanSession || clientId.nonEmpty, "cleanSession = false needs a clientId: the broker knows the session by it")
  require(flushMessages > 0 && flushMillis > 0 && inflight > 0 && retryMillis > 0 && connectionTimeoutSeconds > 0,
    "flushMessages, flushMillis, inflight, retryMillis and connectionTimeoutSeconds have to be above 0")
  require(journal.isEmpty || qos > 0 && !cleanSession, "a journal is for qos 1 or 2 and cleanSession = false")
  require(caFile.isEmpty || isTls, "caFile is for ssl:// and wss://, not for " + brokerUrl)

  def isTls: Boolean = brokerUrl.startsWith("ssl:") || brokerUrl.startsWith("wss:")
}

/** What a stream of payloads holds of a message: its text. */
final class NetpieText extends ((String, String) => String) with Serializable {
  override def apply(topic: String, text: String): String = text
}

/** What a stream of topics and payloads holds of a message. */
final class NetpieTopicAndText extends ((String, String) => (String, String)) with Serializable {
  override def apply(topic: String, text: String): (String, String) = (topic, text)
}

/** What the receivers of a stream have counted: received, stored, acknowledged, reconnects, and of the stored messages
  * those that may be there twice: sent before by the broker, or from the journal. In the driver these are made of
  * what the executors' heartbeats bring (each 10 s, `spark.executor.heartbeatInterval`), a sum over all receivers that ever
  * ran; a receiver gets its part as `forReceivers`. They are kept as text in the system property netpie.mqtt.stream.ID, as a
  * class that is typed into a note a second time is another, and shown among Spark's metrics (/metrics/json of its page). */
final class NetpieCounts(ssc: StreamingContext) extends SparkListener {
  private val names = Array("received", "stored", "acknowledged", "reconnects", "redelivered")
  private val accumulators = names.map(name => ssc.sparkContext.longAccumulator("netpie " + name))
  private val latest = new ConcurrentHashMap[(Long, Long), Long]
  private val owner = UUID.randomUUID.toString
  private var property = ""

  /** The accumulators as an executor is to get them: Spark takes part in this serialization. */
  def forReceivers: Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    val out = new ObjectOutputStream(bytes)
    out.writeObject(accumulators)
    out.close()
    bytes.toByteArray
  }

  /** From now on these are the counts of the stream `id`. */
  def countFor(id: Int): Unit = {
    property = "netpie.mqtt.stream." + id
    alone {
      System.clearProperty(property)
      System.setProperty(property + ".owner", owner)
      withMetrics { (metrics, kind) =>
        metrics.getClass.getMethod("removeSource", kind).invoke(metrics, source(kind, id))
        metrics.getClass.getMethod("registerSource", kind).invoke(metrics, source(kind, id))
      }
    }
    ssc.sparkContext.addSparkListener(this)
  }

  private def number(name: Int): Long = {
    var sum = 0L
    latest.forEach(new java.util.function.BiConsumer[(Long, Long), Long] {
      override def accept(key: (Long, Long), count: Long): Unit = if (key._2 == accumulators(name).id) sum += count
    })
    sum
  }

  override def onExecutorMetricsUpdate(event: SparkListenerExecutorMetricsUpdate): Unit = {
    for (update <- event.accumUpdates) take(update._1, update._4)
    if (ssc.getState() == StreamingContextState.STOPPED) leave()
  }

  override def onTaskEnd(event: SparkListenerTaskEnd): Unit =
    if (event.taskInfo != null) take(event.taskInfo.taskId, event.taskInfo.accumulables)

  private def take(task: Long, counts: Iterable[AccumulableInfo]): Unit = {
    val ours = for (info <- counts; count <- info.update if accumulators.exists(_.id == info.id)) yield info.id -> count
    for ((id, count) <- ours) latest.put((task, id), count.asInstanceOf[Long])
    alone(if (ours.nonEmpty && isOwner)
      System.setProperty(property, names.indices.map(i => names(i) + "=" + number(i)).mkString(" ")))
  }

  /** One stream takes an id while no other that had it leaves; the context is what they have in common. */
  private def alone(act: => Unit): Unit = ssc.sparkContext.synchronized(act)

  /** Whether no later stream has taken the id. */
  private def isOwner: Boolean = System.getProperty(property + ".owner") == owner

  private def leave(): Unit = {
    ssc.sparkContext.removeSparkListener(this)
    alone(if (isOwner) withMetrics { (metrics, kind) =>
      metrics.getClass.getMethod("removeSource", kind).invoke(metrics, source(kind, property.split('.').last.toInt))
    })
  }

  // Spark 2.4 has no public way to add to its metrics, and later ones none to take away again. These methods are there, by
  // these names, from 2.4 to 4.x; without them only the metrics are missing.
  private def withMetrics(use: (Object, Class[_]) => Unit): Unit =
    try {
      // Class.getMethod loads what all methods name, and Spark 4.3 from PyPI has not all of that.
      val made = MethodType.methodType(Class.forName("org.apache.spark.metrics.MetricsSystem"))
      val getter = MethodHandles.publicLookup.findVirtual(classOf[SparkEnv], "metricsSystem", made)
      val metrics = getter.invokeWithArguments(SparkEnv.get)
      use(metrics, Class.forName("org.apache.spark.metrics.source.Source"))
    } catch {
      case problem @ (NonFatal(_) | _: LinkageError) => org.slf4j.LoggerFactory.getLogger("netpie.mqtt").warn("no metrics: " + problem)
    }

  private def source(kind: Class[_], id: Int): Object = {
    val registry = new MetricRegistry
    for (i <- names.indices) registry.register(names(i), new Gauge[Long] { override def getValue: Long = number(i) })
    Proxy.newProxyInstance(kind.getClassLoader, Array[Class[_]](kind), new InvocationHandler {
      override def invoke(proxy: Object, method: Method, arguments: Array[Object]): Object = method.getName match {
        case "sourceName" => "netpie." + id + ".mqtt"
        case "metricRegistry" => registry
        case "equals" => java.lang.Boolean.valueOf(proxy eq arguments(0))
        case "hashCode" => Integer.valueOf(id)
        case _ => "netpie." + id
      }
    })
  }
}

/** What a receiver has stored in Spark's memory and Spark has not processed, as files: one for each block, written before
  * the block is acknowledged and deleted by the driver once a batch is done that was begun after the block was stored and
  * ends a window. What an earlier run of the stream has left is for the receiver to store again. `folder` may be of any file
  * system that Hadoop knows, and all of Spark's machines have to see it, with clocks that agree to well within a batch. Files
  * reach the operating system, not for sure the disk: they outlive a process, not a power cut. */
final class NetpieJournal(folder: String, clientId: String, run: String) extends Serializable {
  private var written = 0L

  def isOn: Boolean = folder.nonEmpty

  /** Writes messages to a file that does not count yet; its name. */
  def write(topics: Array[String], texts: Array[String]): String = {
    val bytes = new ByteArrayOutputStream
    val out = new DataOutputStream(bytes)
    for (i <- topics.indices; text <- Array(topics(i), texts(i))) {
      val encoded = text.getBytes(StandardCharsets.UTF_8)
      out.writeInt(encoded.length)
      out.write(encoded)
    }
    written += 1
    val name = "writing-" + run + "-" + written
    if (isLocal) {
      Files.createDirectories(local)
      Files.write(local.resolve(name), bytes.toByteArray)
    } else {
      val file = remote.create(path(name), true)
      try file.write(bytes.toByteArray) finally file.close()
    }
    name
  }

  /** The file counts from now on: what is in it has been stored. */
  def keep(name: String): Unit = {
    written += 1
    rename(name, run + "-" + System.currentTimeMillis + "-" + written)
  }

  /** The files of earlier runs, in the order in which they were stored. */
  def left: Array[String] = names.filter(name => !name.startsWith("writing-") && !name.startsWith(run)).sorted

  /** The topics and texts in a file. */
  def read(name: String): Array[(String, String)] = {
    val bytes = if (isLocal) Files.readAllBytes(local.resolve(name)) else {
      val content = new Array[Byte](remote.getFileStatus(path(name)).getLen.toInt)
      val file = remote.open(path(name))
      try file.readFully(content) finally file.close()
      content
    }
    val in = new DataInputStream(new ByteArrayInputStream(bytes))
    def text(): String = {
      val encoded = new Array[Byte](in.readInt())
      in.readFully(encoded)
      new String(encoded, StandardCharsets.UTF_8)
    }
    val found = ArrayBuffer[(String, String)]()
    while (in.available > 0) found += ((text(), text()))
    found.toArray
  }

  /** Deletes what was stored until `millis`, and half a file that an earlier run left. */
  def forget(millis: Long): Unit =
    for (name <- names) {
      val words = name.split("-")
      if (name.startsWith("writing-")) { if (!name.startsWith("writing-" + run)) delete(name) }
      else if (name.startsWith(run) && words(words.length - 2).toLong <= millis) delete(name)
    }

  /** Deletes the folder if nothing is in it. */
  def leave(): Unit = if (names.isEmpty) delete("")

  // Found out once in each JVM, as a Configuration reads files, and blocks come many times a second.
  @transient private lazy val isLocal: Boolean =
    Option(new Path(folder).toUri.getScheme).getOrElse(FileSystem.getDefaultUri(configuration).getScheme) == "file"

  // A client id may be a secret.
  @transient private lazy val own: String = {
    val digest = MessageDigest.getInstance("SHA-256").digest(clientId.getBytes(StandardCharsets.UTF_8))
    ".unprocessed-" + digest.take(8).map("%02x".format(_)).mkString
  }

  @transient private lazy val local: LocalPath = Paths.get(new Path(folder).toUri.getPath, own)

  private def path(name: String): Path = new Path(new Path(folder, own), if (name.isEmpty) "." else name)

  @transient private lazy val remote: FileSystem = path("").getFileSystem(configuration)

  @transient private lazy val configuration: Configuration = {
    val made = new Configuration
    for ((name, value) <- SparkEnv.get.conf.getAll if name.startsWith("spark.hadoop.")) made.set(name.drop(13), value)
    made
  }

  // Hadoop would start a process for each file that it makes in a local folder.
  private def names: Array[String] =
    if (isLocal) Option(local.toFile.list()).getOrElse(Array[String]())
    else if (remote.exists(path(""))) remote.listStatus(path("")).map(_.getPath.getName)
    else Array[String]()

  private def rename(from: String, to: String): Unit =
    if (isLocal) Files.move(local.resolve(from), local.resolve(to), StandardCopyOption.ATOMIC_MOVE)
    else if (!remote.rename(path(from), path(to))) throw new java.io.IOException("no rename to " + path(to))

  private def delete(name: String): Unit =
    if (isLocal) Files.deleteIfExists(local.resolve(name)) else remote.delete(path(name), false)
}

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

/** Receives the messages of some topics; `made` makes an element of the stream of a topic and the payload, as UTF-8 text.
  * What runs lives in one `Run`, made by `onStart` and ended by `onStop`, so that a receiver that Spark starts again shares
  * nothing with its former self. */
final class NetpieReceiver[T](
    settings: NetpieSettings,
    level: StorageLevel,
    made: (String, String) => T,
    counts: Array[Byte],
    journal: NetpieJournal) extends Receiver[T](level) {
  @transient private var run: Run = null
  @transient private var counters: Array[LongAccumulator] = null

  override def onStart(): Unit = synchronized {
    // Read in the receiver's task they become that task's, and its executor's heartbeats take them to the driver.
    if (counters == null)
      counters = new ObjectInputStream(new ByteArrayInputStream(counts)).readObject().asInstanceOf[Array[LongAccumulator]]
    run = new Run(counters)
    run.start()
  }

  override def onStop(): Unit = synchronized {
    if (run != null) run.close()
    run = null
  }

  /** A socket that reads nothing until something was written to it, and then as much as there is. Paho's reading thread
    * ends when a connection is reset before its other threads run, and then one of these stays forever; an MQTT broker never
    * speaks first. And Paho reads byte by byte, each of them a call to the system. */
  private final class PatientSocket extends Socket {
    private val spoken = new CountDownLatch(1)
    private var input: InputStream = null

    override def getInputStream(): InputStream = synchronized {
      if (input == null) input = new BufferedInputStream(super.getInputStream(), 65536) {
        override def read(): Int = { spoken.await(); super.read() }
        override def read(into: Array[Byte], from: Int, size: Int): Int = { spoken.await(); super.read(into, from, size) }
        override def available(): Int = if (pos < count) count - pos else super.available()
      }
      input
    }

    override def getOutputStream(): OutputStream = {
      val plain = super.getOutputStream()
      new FilterOutputStream(plain) {
        override def write(byte: Int): Unit = { spoken.countDown(); plain.write(byte) }
        override def write(out: Array[Byte], from: Int, size: Int): Unit = { spoken.countDown(); plain.write(out, from, size) }
      }
    }

    override def close(): Unit = { spoken.countDown(); super.close() }
  }

  private final class PatientSockets extends SocketFactory {
    override def createSocket(): Socket = new PatientSocket
    // Paho connects its sockets itself.
    override def createSocket(host: String, port: Int): Socket = unused
    override def createSocket(host: String, port: Int, localHost: InetAddress, localPort: Int): Socket = unused
    override def createSocket(host: InetAddress, port: Int): Socket = unused
    override def createSocket(host: InetAddress, port: Int, localHost: InetAddress, localPort: Int): Socket = unused

    private def unused: Socket = throw new UnsupportedOperationException("a connected socket")
  }

  private final class Arrived(val topic: String, val text: String, val id: Int, val qos: Int, val connect: Long, val again: Boolean)

  private final class Run(counters: Array[LongAccumulator]) extends MqttCallback {
    private val log = org.slf4j.LoggerFactory.getLogger("netpie.mqtt")
    private val arrived = new ArrayBlockingQueue[Arrived](2 * settings.flushMessages)
    private val losses = new LinkedBlockingQueue[Throwable]()
    // Each is added to by one thread.
    private val Array(received, stored, acknowledged, reconnects, redelivered) = counters
    private val connects = new AtomicLong
    // An acknowledgement names a message by a number that the broker uses anew after a reconnect; this lock keeps one that
    // is for an earlier connection from going out on the next.
    private val sending = new Object
    private val keeper = thread("netpie-mqtt-connect-" + streamId, new Runnable { def run(): Unit = keepConnected() })
    private val storer = thread("netpie-mqtt-store-" + streamId, new Runnable { def run(): Unit = keepStoring() })
    @volatile private var running = true
    @volatile private var client: MqttAsyncClient = null
    @volatile private var connecting = false
    private var subscribed = false
    // Longer than Paho gives the socket, so that a socket's own error comes first.
    private val patience = 1000L * settings.connectionTimeoutSeconds + 1000

    // Paho starts its threads from ours, and a thread is a daemon when its parent is: none keeps a JVM from ending.
    private def thread(name: String, body: Runnable): Thread = {
      val made = new Thread(body, name)
      made.setDaemon(true)
      made
    }

    def start(): Unit = {
      keeper.start()
      storer.start()
    }

    /** Takes no more, stores and acknowledges what has come, then says goodbye to the broker. */
    def close(): Unit = {
      running = false
      keeper.interrupt()
      finish(keeper, 5000)
      finish(storer, 5000)
      disconnect()
      if (client != null) try client.close(true) catch { case NonFatal(_) => }
    }

    private def finish(worker: Thread, millis: Long): Unit =
      try {
        worker.join(millis)
        worker.interrupt()
        worker.join(1000)
      } catch { case _: InterruptedException => worker.interrupt() }

    // --- the connection ---
    private def keepConnected(): Unit = {
      var failures = 0
      while (running) {
        var up = 0L
        val end = try { connect(); up = System.nanoTime; losses.take() } catch { case problem: Throwable => problem }
        if (running) {
          disconnect()
          val steady = up != 0 && System.nanoTime - up > TimeUnit.MILLISECONDS.toNanos(10L * settings.retryMillis)
          failures = if (steady) 0 else failures + 1
          val pause = pauseMillis(failures, refused(end))
          val next = "; next try in " + ((pause + 999) / 1000) + " s"
          reportError("MQTT " + settings.brokerUrl + ": " + reason(end) + next, null)
          try Thread.sleep(pause) catch { case _: InterruptedException => }
        }
      }
    }

    /** Twice as long after each failure, up to 32 times; 30 times as long when the broker says no, as it will again. */
    private def pauseMillis(failures: Int, refusal: Boolean): Long = {
      val doubled = settings.retryMillis.toLong << math.min(math.max(failures - 1, 0), if (refusal) 3 else 5)
      val spread = 0.8 + 0.4 * ThreadLocalRandom.current.nextDouble
      ((if (refusal) 30 * doubled else doubled) * spread).toLong
    }

    private def connect(): Unit = {
      if (client == null) client = newClient()
      sending.synchronized { connects.incrementAndGet() }
      // Paho cannot begin while its old callback waits for room.
      while (arrived.remainingCapacity == 0) Thread.sleep(100)
      // Paho queues an acknowledgement for a connection that has just gone, and then cannot begin the next.
      if (connects.get > 1) reset()
      losses.clear()
      connecting = true
      val session = client.connect(options())
      session.waitForCompletion(patience)
      connecting = false
      if (subscribed) reconnects.add(1)
      if (!subscribed || !session.getSessionPresent) subscribe()
      subscribed = true
      log.info("MQTT " + settings.brokerUrl + ": connected")
    }

    private def newClient(): MqttAsyncClient = {
      val made = new MqttAsyncClient(settings.brokerUrl, settings.clientId, new MemoryPersistence)
      made.setManualAcks(true)
      made.setCallback(this)
      made
    }

    private def options(): MqttConnectOptions = {
      val made = new MqttConnectOptions
      made.setCleanSession(settings.cleanSession)
      made.setConnectionTimeout(settings.connectionTimeoutSeconds)
      made.setKeepAliveInterval(settings.keepAliveSeconds)
      made.setMqttVersion(settings.mqttVersion)
      if (settings.brokerUrl.startsWith("tcp:")) made.setSocketFactory(new PatientSockets)
      if (settings.caFile.nonEmpty) made.setSocketFactory(trusting(settings.caFile))
      for (user <- settings.login.username(System.currentTimeMillis / 1000)) {
        made.setUserName(user)
        settings.login.password(settings.clientId, user).foreach(word => made.setPassword(word.toCharArray))
      }
      made
    }

    /** Sockets that trust the certificates in `file`, and no others. */
    private def trusting(file: String): SocketFactory =
      try {
        val pem = new ByteArrayInputStream(Files.readAllBytes(Paths.get(file)))
        val read = CertificateFactory.getInstance("X.509").generateCertificates(pem).toArray
        require(read.nonEmpty, "no certificate in it")
        val store = KeyStore.getInstance(KeyStore.getDefaultType)
        store.load(null, null)
        for (i <- read.indices) store.setCertificateEntry("ca" + i, read(i).asInstanceOf[java.security.cert.Certificate])
        val managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm)
        managers.init(store)
        val context = SSLContext.getInstance("TLS")
        context.init(null, managers.getTrustManagers, null)
        context.getSocketFactory
      } catch { case NonFatal(problem) => throw new IllegalArgumentException("caFile " + file + ": " + oneLine(problem)) }

    private def subscribe(): Unit = {
      val answer = client.subscribe(settings.topics, Array.fill(settings.topics.length)(settings.qos))
      answer.waitForCompletion(patience)
      val denied = settings.topics.zip(answer.getGrantedQos).collect { case (topic, 128) => topic }
      if (denied.nonEmpty) throw new SecurityException("the broker refuses a subscription to " + denied.mkString(", "))
    }

    /** Ends a connection, or the attempt at one; with a DISCONNECT where the broker can still hear it. */
    private def disconnect(): Unit =
      if (client != null && client.isConnected) {
        try client.disconnect(1000).waitForCompletion(2000) catch { case NonFatal(_) => reset() }
      } else if (connecting) reset()

    /** Drops whatever Paho still has of the last connection. */
    private def reset(): Unit = try client.disconnectForcibly(1, 1, false) catch { case NonFatal(_) => }

    /** Whether the broker, or its certificate, will be the same at the next try. */
    private def refused(problem: Throwable): Boolean = problem match {
      case e: MqttException => e.getReasonCode == 4 || e.getReasonCode == 5 || distrust(e).isDefined
      case e => e.isInstanceOf[SecurityException]
    }

    private def reason(problem: Throwable): String = problem match {
      case e: MqttException if e.getReasonCode == 4 =>
        "user name or password refused (CONNACK 4); the token may be gone: get new credentials"
      case e: MqttException if e.getReasonCode == 5 =>
        "not authorised (CONNACK 5); the key may be disabled, or has no right to this application"
      case e: MqttException if distrust(e).isDefined =>
        val trusted = if (settings.caFile.isEmpty) "the authorities that Java trusts" else "caFile " + settings.caFile
        "the broker's certificate is refused: " + distrust(e).get.getMessage + " (checked against " + trusted + ")"
      case e: MqttException if e.getCause != null => e.getMessage + " (" + oneLine(e.getCause) + ")"
      case e: MqttException => e.getMessage + " (code " + e.getReasonCode + ")"
      case e => oneLine(e)
    }

    /** The innermost reason why Java does not take the broker's certificate, if that is the problem. */
    private def distrust(problem: Throwable): Option[Throwable] = {
      val causes = Iterator.iterate(problem)(_.getCause).takeWhile(_ != null).toList
      causes.filter(_.isInstanceOf[GeneralSecurityException]).lastOption
    }

    private def oneLine(problem: Throwable): String = String.valueOf(problem).split("\n")(0)

    // --- called by Paho ---
    override def connectionLost(cause: Throwable): Unit = losses.offer(cause)

    override def deliveryComplete(token: IMqttDeliveryToken): Unit = ()

    /** Waits while the queue is full, which keeps Paho from reading, and so the broker from sending. */
    override def messageArrived(topic: String, message: MqttMessage): Unit = {
      val text = new String(message.getPayload, StandardCharsets.UTF_8)
      val item = new Arrived(topic, text, message.getId, message.getQos, connects.get, message.isDuplicate)
      var taken = false
      while (running && !taken) taken = arrived.offer(item, 100, TimeUnit.MILLISECONDS)
      if (taken) received.add(1)
    }

    // --- the store ---
    private def keepStoring(): Unit = {
      val batch = new ArrayList[Arrived](settings.flushMessages)
      try {
        if (journal.isOn) storeLeft()
        while (running || !arrived.isEmpty) {
          val limit = rateLimit
          collect(batch, blockSize(limit))
          if (!batch.isEmpty && storeAll(batch, "")) acknowledge(batch)
          pace(batch.size, limit)
          batch.clear()
        }
      } catch { case _: InterruptedException => }
    }

    /** Stores what an earlier run of the stream had stored, and Spark did not process. */
    private def storeLeft(): Unit = {
      val files = try journal.left catch { case NonFatal(problem) => leave("the journal", problem); Array[String]() }
      for (file <- files if running) {
        val batch = new ArrayList[Arrived]
        try for ((topic, text) <- journal.read(file)) batch.add(new Arrived(topic, text, 0, 0, 0, true))
        catch { case problem: InterruptedException => throw problem; case NonFatal(problem) => leave(file, problem) }
        if (!batch.isEmpty) storeAll(batch, file)
        pace(batch.size, rateLimit)
      }
    }

    private def leave(what: String, problem: Throwable): Unit =
      reportError("what an earlier run had received is left where it is: " + what + ": " + oneLine(problem), null)

    /** Messages/s that Spark takes at most: `spark.streaming.receiver.maxRate`, or what its back-pressure allows now, which
      * Spark tells only a block generator of its own. */
    private def rateLimit: Long = {
      val limit = try rateNow() catch { case NonFatal(_) => maxRate }
      if (limit > 0) limit else Long.MaxValue
    }

    private val maxRate = SparkEnv.get.conf.getLong("spark.streaming.receiver.maxRate", Long.MaxValue)

    // Not public in Spark, though the same from 2.4 to 4.x; without it `maxRate` remains.
    private val rateNow: () => Long =
      try {
        val supervisor = classOf[Receiver[_]].getMethod("supervisor").invoke(NetpieReceiver.this)
        val ask = supervisor.getClass.getMethod("getCurrentRateLimit")
        ask.setAccessible(true)
        () => ask.invoke(supervisor).asInstanceOf[Long]
      } catch { case NonFatal(_) | _: LinkageError => () => maxRate }

    private def blockSize(limit: Long): Int =
      if (limit >= settings.flushMessages * 1000L / settings.flushMillis) settings.flushMessages
      else math.max(1, limit * settings.flushMillis / 1000).toInt

    /** Waits until so many messages more are within the limit; meanwhile the queue fills, and the broker has to wait. */
    private def pace(messages: Int, limit: Long): Unit = if (messages > 0 && limit < Long.MaxValue) {
      free = math.max(free, System.nanoTime) + messages * 1000000000L / limit
      while (running && System.nanoTime < free)
        TimeUnit.NANOSECONDS.sleep(math.min(free - System.nanoTime, 100000000L))
    }

    private var free = System.nanoTime

    /** Fills `batch` until it has `most` or is old, or until the broker seems to wait for acknowledgements. */
    private def collect(batch: ArrayList[Arrived], most: Int): Unit = {
      var next = arrived.poll(settings.flushMillis, TimeUnit.MILLISECONDS)
      val deadline = System.nanoTime + TimeUnit.MILLISECONDS.toNanos(settings.flushMillis)
      while (next != null) {
        batch.add(next)
        arrived.drainTo(batch, most - batch.size)
        val left = math.min(deadline - System.nanoTime, patienceNanos(batch.size))
        val open = running && left > 0 && batch.size < most
        next = if (open) arrived.poll(left, TimeUnit.NANOSECONDS) else null
      }
    }

    /** How long a silence may last. At QoS 1 and 2 the broker sends no more than its in-flight window unacknowledged, so a
      * silence after that many is the broker waiting; one after fewer may be, when its window is smaller. */
    private def patienceNanos(size: Int): Long =
      if (settings.qos == 0) Long.MaxValue
      else if (size >= settings.inflight) TimeUnit.MILLISECONDS.toNanos(1)
      else TimeUnit.MILLISECONDS.toNanos(20)

    /** Stores `batch` as one block, however often it takes; false when the receiver was stopped before Spark took it. It is
      * in the journal's file `written`, or else, if it is to be acknowledged, put into one first. */
    private def storeAll(batch: ArrayList[Arrived], written: String): Boolean = {
      val elements = new ArrayBuffer[T](batch.size)
      for (i <- 0 until batch.size) elements += made(batch.get(i).topic, batch.get(i).text)
      var file = written
      var (inSpark, done) = (false, false)
      var tries = 0
      while (!done && (running || tries == 0)) {
        tries += 1
        try {
          if (journal.isOn && file.isEmpty) file = journal.write(each(batch, _.topic), each(batch, _.text))
          if (!inSpark) store(elements)
          inSpark = true
          if (journal.isOn) journal.keep(file)
          done = true
        } catch {
          case problem: InterruptedException => throw problem
          case NonFatal(problem) if running =>
            val where = if (inSpark || (journal.isOn && file.isEmpty)) "The journal" else "Spark"
            val count = batch.size + " messages"
            reportError(where + " did not store " + count + ": " + oneLine(problem) + "; they are kept and tried again", null)
            Thread.sleep(pauseMillis(tries, false))
          case NonFatal(_) =>
        }
      }
      if (done) {
        stored.add(batch.size.toLong)
        for (i <- 0 until batch.size) if (batch.get(i).again) redelivered.add(1)
      }
      done
    }

    private def each(batch: ArrayList[Arrived], part: Arrived => String): Array[String] =
      Array.tabulate(batch.size)(i => part(batch.get(i)))

    /** Acknowledges to the connection that a message came by. Should that be gone, the broker sends the message again. */
    private def acknowledge(batch: ArrayList[Arrived]): Unit = {
      sending.synchronized {
        try for (i <- 0 until batch.size) {
          val item = batch.get(i)
          if (item.qos > 0 && item.connect == connects.get && client.isConnected) {
            client.messageArrivedComplete(item.id, item.qos)
            acknowledged.add(1)
          }
        } catch { case _: MqttException => }
      }
    }
  }
}

/** Makes streams of MQTT messages. */
object NetpieMqtt extends Serializable {
  /** A slide as long as a batch. */
  val eachBatch: Duration = Duration(0)

  /** A stream of the payloads, as UTF-8 text, of what is published to `topics` (MQTT filters: `+` and `#` are wildcards).
    *
    * @param brokerUrl tcp://HOST:PORT, ssl://HOST:PORT, ws:// or wss://
    * @param clientId one for each stream: a broker drops a connection when another comes with its client id. Made up when empty
    * @param login `signed`, `fixed` or `anonymous`
    * @param qos 0, 1 or 2; from 1 on a message is acknowledged when Spark has stored it
    * @param cleanSession false: the broker keeps what is published while the receiver is away; needs a clientId
    * @param flushMessages a block is stored when it has so many messages, or is `flushMillis` old
    * @param inflight the broker's in-flight window at QoS 1 and 2 (Mosquitto: max_inflight_messages)
    * @param retryMillis first pause before a reconnect; doubles up to 32 times, and is 30 times as long after a refusal
    * @param receivers how many receive at once, as CLIENTID-0, CLIENTID-1, …; each takes a core of Spark's for good
    * @param sharing how several receivers share the messages: `shared`, by a subscription that the broker shares among them
    *   ($share/CLIENTID/TOPIC: Mosquitto from 1.6 on, EMQX, HiveMQ, VerneMQ; a broker that does not know it sends nothing),
    *   or `topics`, each of them with some of the topics
    * @param caFile for ssl:// and wss://: a PEM file of the authorities to trust, readable on the executors; without one they
    *   are those that Java trusts. The certificate has to be for the host of `brokerUrl`
    * @param journal a folder for what has been acknowledged and not been processed, so that the next stream with this clientId
    *   goes on with it, however this one ends; see `NetpieJournal`. None when empty
    * @param slide how often a window ends, if not with each batch: to the journal only what is in a window is processed */
  def createStream(
      ssc: StreamingContext,
      brokerUrl: String,
      topics: Seq[String],
      clientId: String = "",
      login: NetpieLogin = anonymous,
      qos: Int = 1,
      cleanSession: Boolean = true,
      storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_SER,
      connectionTimeoutSeconds: Int = 30,
      keepAliveSeconds: Int = 60,
      mqttVersion: Int = MqttConnectOptions.MQTT_VERSION_3_1_1,
      flushMessages: Int = 5000,
      flushMillis: Int = 200,
      inflight: Int = 20,
      retryMillis: Int = 1000,
      receivers: Int = 1,
      sharing: String = "shared",
      caFile: String = "",
      journal: String = "",
      slide: Duration = eachBatch): DStream[String] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis, caFile, journal)
    union(ssc, streams(ssc, spread(settings, receivers, sharing), slide, storageLevel, new NetpieText))
  }

  /** The same with the topic of each message before its payload. */
  def createTopicStream(
      ssc: StreamingContext,
      brokerUrl: String,
      topics: Seq[String],
      clientId: String = "",
      login: NetpieLogin = anonymous,
      qos: Int = 1,
      cleanSession: Boolean = true,
      storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_SER,
      connectionTimeoutSeconds: Int = 30,
      keepAliveSeconds: Int = 60,
      mqttVersion: Int = MqttConnectOptions.MQTT_VERSION_3_1_1,
      flushMessages: Int = 5000,
      flushMillis: Int = 200,
      inflight: Int = 20,
      retryMillis: Int = 1000,
      receivers: Int = 1,
      sharing: String = "shared",
      caFile: String = "",
      journal: String = "",
      slide: Duration = eachBatch): DStream[(String, String)] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis, caFile, journal)
    union(ssc, streams(ssc, spread(settings, receivers, sharing), slide, storageLevel, new NetpieTopicAndText))
  }

  private def union[T: ClassTag](ssc: StreamingContext, each: Seq[DStream[T]]): DStream[T] =
    if (each.size == 1) each.head else ssc.union(each)

  /** A stream for each of the settings; `counters` of the first are those of all. */
  def streams[T: ClassTag](
      ssc: StreamingContext,
      each: Seq[NetpieSettings],
      slide: Duration,
      level: StorageLevel,
      made: (String, String) => T): Seq[ReceiverInputDStream[T]] = {
    val counts = new NetpieCounts(ssc)
    val run = System.currentTimeMillis + "-" + UUID.randomUUID.toString.take(8)
    val journals = each.map(settings => new NetpieJournal(settings.journal, settings.clientId, run))
    val inputs = for ((settings, journal) <- each.zip(journals))
      yield ssc.receiverStream(new NetpieReceiver[T](settings, level, made, counts.forReceivers, journal))
    counts.countFor(inputs.head.id)
    val batch = inputs.head.slideDuration
    require(slide.isMultipleOf(batch), "slide has to be a multiple of the batches' " + batch + ", not " + slide)
    if (journals.exists(_.isOn)) ssc.addStreamingListener(new NetpieJournalKeeper(
      ssc.sparkContext, journals.filter(_.isOn).toArray, batch.milliseconds, (if (slide == eachBatch) batch else slide).milliseconds))
    inputs
  }

  /** The same for each of `receivers` that share the messages; see `sharing` of `createStream`. */
  private def spread(one: NetpieSettings, receivers: Int, sharing: String): Seq[NetpieSettings] = {
    val name = if (one.clientId.isEmpty) MqttAsyncClient.generateClientId() else one.clientId
    val topics = one.topics
    require(receivers > 0, "receivers has to be above 0, not " + receivers)
    require(sharing == "shared" || sharing == "topics", "sharing has to be shared or topics, not " + sharing)
    require(receivers == 1 || !one.login.isSigned, "a NETPIE thing connects once: receivers has to be 1, not " + receivers)
    require(receivers == 1 || sharing == "shared" || receivers <= topics.length,
      "sharing = topics has at most as many receivers as topics: " + topics.length + ", not " + receivers)
    val group = "$share/" + name.replaceAll("[/+#]", "_") + "/"
    def share(receiver: Int): Array[String] =
      if (sharing == "shared") topics.map(group + _)
      else topics.indices.filter(_ % receivers == receiver).map(topics(_)).toArray
    def of(id: String, some: Array[String]): NetpieSettings = new NetpieSettings(one.brokerUrl, some, id, one.login, one.qos,
      one.cleanSession, one.connectionTimeoutSeconds, one.keepAliveSeconds, one.mqttVersion, one.flushMessages,
      one.flushMillis, one.inflight, one.retryMillis, one.caFile, one.journal)
    if (receivers == 1) Seq(of(name, topics)) else (0 until receivers).map(i => of(name + "-" + i, share(i)))
  }

  /** A NETPIE 2015 thing: the application's key, and "TOKENSECRET&APPSECRET". The clientId is the token. */
  def signed(key: String, hmacKey: String): NetpieLogin = new NetpieLogin(Some(key), None, Some(hmacKey))

  def fixed(username: String, password: String): NetpieLogin = new NetpieLogin(Some(username), Some(password), None)

  def anonymous: NetpieLogin = new NetpieLogin(None, None, None)

  /** KEY%EPOCH, the user name that NETPIE 2015 wants at `epochSeconds`. */
  def username(key: String, epochSeconds: Long): String = signed(key, "").username(epochSeconds).get

  /** base64(HMAC-SHA1(hmacKey, CLIENTID%USERNAME)), the password that goes with `username`. */
  def password(hmacKey: String, clientId: String, username: String): String =
    signed("", hmacKey).password(clientId, username).get

  /** What the receivers of `stream`, or of what it is made of, have counted since they started, a heartbeat ago: received,
    * stored, acknowledged, reconnects, redelivered. */
  def counters(stream: DStream[_]): Map[String, Long] = {
    val counted = for (id <- inputs(stream).toSeq; text <- Option(System.getProperty("netpie.mqtt.stream." + id)).toSeq;
      pair <- text.split(" ").toSeq.map(_.split("="))) yield pair(0) -> pair(1).toLong
    counted.groupBy(_._1).map { case (name, numbers) => name -> numbers.map(_._2).sum }
  }

  private def inputs(stream: DStream[_]): Set[Int] = stream match {
    case input: InputDStream[_] => Set(input.id)
    case made => made.dependencies.flatMap(inputs(_)).toSet
  }
}
