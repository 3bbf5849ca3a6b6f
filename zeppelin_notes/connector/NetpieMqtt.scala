// An MQTT receiver for Spark Streaming: batches into Spark's store, acknowledges only what Spark has stored, reconnects
// by itself, disconnects when stopped, and signs a fresh NETPIE password at every connect.
//
// One source for two homes. It is typed into a %spark paragraph as it stands, and it is compiled into a jar. So it keeps to
// what every Spark shell from Scala 2.11 to 2.13 accepts, line by line: no package clause, no two blank lines in a row, no
// dollar sign followed by a brace (a form to Zeppelin), and every class is final and names no other class but by its type.
// Such a class holds no reference to the shell's wrapper object, and so not to what else a note has defined.
import java.io.{FilterInputStream, FilterOutputStream, InputStream, OutputStream}
import java.net.{InetAddress, Socket}
import java.nio.charset.StandardCharsets
import java.util.{ArrayList, Base64}
import java.util.concurrent.{ArrayBlockingQueue, CountDownLatch, LinkedBlockingQueue, ThreadLocalRandom, TimeUnit}
import java.util.concurrent.atomic.AtomicLong
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import javax.net.SocketFactory
import scala.collection.mutable.ArrayBuffer
import scala.reflect.ClassTag
import scala.util.control.NonFatal
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.StreamingContext
import org.apache.spark.streaming.dstream.{DStream, InputDStream, ReceiverInputDStream}
import org.apache.spark.streaming.receiver.Receiver
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
    val retryMillis: Int) extends Serializable {
  require(brokerUrl.matches("(tcp|ssl|ws|wss)://[^/].*"), "brokerUrl has to be like tcp://HOST:PORT, not " + brokerUrl)
  require(topics.nonEmpty, "topics has to name at least one topic")
  topics.foreach(MqttTopic.validate(_, true))
  require(qos >= 0 && qos <= 2, "qos has to be 0, 1 or 2, not " + qos)
  require(cleanSession || clientId.nonEmpty, "cleanSession = false needs a clientId: the broker knows the session by it")
  require(flushMessages > 0 && flushMillis > 0 && inflight > 0 && retryMillis > 0 && connectionTimeoutSeconds > 0,
    "flushMessages, flushMillis, inflight, retryMillis and connectionTimeoutSeconds have to be above 0")
}

/** What a stream of payloads holds of a message: its text. */
final class NetpieText extends ((String, String) => String) with Serializable {
  override def apply(topic: String, text: String): String = text
}

/** What a stream of topics and payloads holds of a message. */
final class NetpieTopicAndText extends ((String, String) => (String, String)) with Serializable {
  override def apply(topic: String, text: String): (String, String) = (topic, text)
}

/** Receives the messages of some topics; `made` makes an element of the stream of a topic and the payload, as UTF-8 text.
  * What runs lives in one `Run`, made by `onStart` and ended by `onStop`, so that a receiver that Spark starts again shares
  * nothing with its former self. */
final class NetpieReceiver[T](settings: NetpieSettings, level: StorageLevel, made: (String, String) => T) extends Receiver[T](level) {
  @transient private var run: Run = null

  override def onStart(): Unit = synchronized {
    run = new Run
    run.start()
  }

  override def onStop(): Unit = synchronized {
    if (run != null) run.close()
    run = null
  }

  /** A socket that reads nothing until something was written to it. Paho's reading thread ends when a connection is reset
    * before its other threads run, and then one of these stays forever; an MQTT broker never speaks first. */
  private final class PatientSocket extends Socket {
    private val spoken = new CountDownLatch(1)

    override def getInputStream(): InputStream = {
      val plain = super.getInputStream()
      new FilterInputStream(plain) {
        override def read(): Int = { spoken.await(); plain.read() }
        override def read(into: Array[Byte], from: Int, size: Int): Int = { spoken.await(); plain.read(into, from, size) }
      }
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

  private final class Arrived(val element: T, val id: Int, val qos: Int, val connect: Long)

  private final class Run extends MqttCallback {
    private val log = org.slf4j.LoggerFactory.getLogger("netpie.mqtt")
    private val arrived = new ArrayBlockingQueue[Arrived](2 * settings.flushMessages)
    private val losses = new LinkedBlockingQueue[Throwable]()
    private val received = new AtomicLong
    private val stored = new AtomicLong
    private val acknowledged = new AtomicLong
    private val reconnects = new AtomicLong
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
      publishCounters()
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
      if (subscribed) reconnects.incrementAndGet()
      if (!subscribed || !session.getSessionPresent) subscribe()
      subscribed = true
      log.info("MQTT " + settings.brokerUrl + ": connected")
      publishCounters()
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
      for (user <- settings.login.username(System.currentTimeMillis / 1000)) {
        made.setUserName(user)
        settings.login.password(settings.clientId, user).foreach(word => made.setPassword(word.toCharArray))
      }
      made
    }

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

    private def refused(problem: Throwable): Boolean = problem match {
      case e: MqttException => e.getReasonCode == 4 || e.getReasonCode == 5
      case e => e.isInstanceOf[SecurityException]
    }

    private def reason(problem: Throwable): String = problem match {
      case e: MqttException if e.getReasonCode == 4 =>
        "user name or password refused (CONNACK 4); the token may be gone: get new credentials"
      case e: MqttException if e.getReasonCode == 5 =>
        "not authorised (CONNACK 5); the key may be disabled, or has no right to this application"
      case e: MqttException if e.getCause != null => e.getMessage + " (" + oneLine(e.getCause) + ")"
      case e: MqttException => e.getMessage + " (code " + e.getReasonCode + ")"
      case e => oneLine(e)
    }

    private def oneLine(problem: Throwable): String = String.valueOf(problem).split("\n")(0)

    // --- called by Paho ---
    override def connectionLost(cause: Throwable): Unit = losses.offer(cause)

    override def deliveryComplete(token: IMqttDeliveryToken): Unit = ()

    /** Waits while the queue is full, which keeps Paho from reading, and so the broker from sending. */
    override def messageArrived(topic: String, message: MqttMessage): Unit = {
      val text = new String(message.getPayload, StandardCharsets.UTF_8)
      val item = new Arrived(made(topic, text), message.getId, message.getQos, connects.get)
      var taken = false
      while (running && !taken) taken = arrived.offer(item, 100, TimeUnit.MILLISECONDS)
      if (taken) received.incrementAndGet()
    }

    // --- the store ---
    private def keepStoring(): Unit = {
      val batch = new ArrayList[Arrived](settings.flushMessages)
      try while (running || !arrived.isEmpty) {
        collect(batch)
        if (!batch.isEmpty && storeAll(batch)) acknowledge(batch)
        batch.clear()
      } catch { case _: InterruptedException => }
    }

    /** Fills `batch` until it is full or old, or until the broker seems to wait for acknowledgements. */
    private def collect(batch: ArrayList[Arrived]): Unit = {
      var next = arrived.poll(settings.flushMillis, TimeUnit.MILLISECONDS)
      val deadline = System.nanoTime + TimeUnit.MILLISECONDS.toNanos(settings.flushMillis)
      while (next != null) {
        batch.add(next)
        arrived.drainTo(batch, settings.flushMessages - batch.size)
        val left = math.min(deadline - System.nanoTime, patienceNanos(batch.size))
        val open = running && left > 0 && batch.size < settings.flushMessages
        next = if (open) arrived.poll(left, TimeUnit.NANOSECONDS) else null
      }
    }

    /** How long a silence may last. At QoS 1 and 2 the broker sends no more than its in-flight window unacknowledged, so a
      * silence after that many is the broker waiting; one after fewer may be, when its window is smaller. */
    private def patienceNanos(size: Int): Long =
      if (settings.qos == 0) Long.MaxValue
      else if (size >= settings.inflight) TimeUnit.MILLISECONDS.toNanos(1)
      else TimeUnit.MILLISECONDS.toNanos(20)

    /** Stores `batch` as one block, however often it takes; false when the receiver was stopped before Spark took it. */
    private def storeAll(batch: ArrayList[Arrived]): Boolean = {
      val elements = new ArrayBuffer[T](batch.size)
      for (i <- 0 until batch.size) elements += batch.get(i).element
      var done = false
      var tries = 0
      while (!done && (running || tries == 0)) {
        tries += 1
        try {
          store(elements)
          done = true
        } catch {
          case problem: InterruptedException => throw problem
          case NonFatal(problem) if running =>
            val count = batch.size + " messages"
            reportError("Spark did not store " + count + ": " + oneLine(problem) + "; they are kept and tried again", null)
            publishCounters()
            Thread.sleep(pauseMillis(tries, false))
          case NonFatal(_) =>
        }
      }
      if (done) stored.addAndGet(batch.size.toLong)
      done
    }

    /** Acknowledges to the connection that a message came by. Should that be gone, the broker sends the message again. */
    private def acknowledge(batch: ArrayList[Arrived]): Unit = {
      sending.synchronized {
        try for (i <- 0 until batch.size) {
          val item = batch.get(i)
          if (item.qos > 0 && item.connect == connects.get && client.isConnected) {
            client.messageArrivedComplete(item.id, item.qos)
            acknowledged.incrementAndGet()
          }
        } catch { case _: MqttException => }
      }
      publishCounters()
    }

    /** A class typed into a note is loaded once by the shell and once by the executor, even in one JVM; text in a system
      * property is what both see. */
    private def publishCounters(): Unit =
      System.setProperty("netpie.mqtt.stream." + streamId, "received=" + received.get + " stored=" + stored.get +
        " acknowledged=" + acknowledged.get + " reconnects=" + reconnects.get)
  }
}

/** Makes streams of MQTT messages. */
object NetpieMqtt extends Serializable {
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
    *   or `topics`, each of them with some of the topics */
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
      sharing: String = "shared"): DStream[String] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis)
    stream(ssc, spread(settings, receivers, sharing), storageLevel, new NetpieText)
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
      sharing: String = "shared"): DStream[(String, String)] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis)
    stream(ssc, spread(settings, receivers, sharing), storageLevel, new NetpieTopicAndText)
  }

  private def stream[T: ClassTag](
      ssc: StreamingContext,
      each: Seq[NetpieSettings],
      level: StorageLevel,
      made: (String, String) => T): DStream[T] = {
    val inputs = each.map(settings => receiverStream(ssc, settings, level, made))
    if (inputs.size == 1) inputs.head else ssc.union(inputs)
  }

  /** The stream of one receiver. */
  def receiverStream[T: ClassTag](
      ssc: StreamingContext,
      settings: NetpieSettings,
      level: StorageLevel,
      made: (String, String) => T): ReceiverInputDStream[T] = {
    val input = ssc.receiverStream(new NetpieReceiver[T](settings, level, made))
    System.clearProperty("netpie.mqtt.stream." + input.id)
    input
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
      one.flushMillis, one.inflight, one.retryMillis)
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

  /** What the receivers of `stream`, or of what it is made of, have counted since they started: received, stored,
    * acknowledged, reconnects. */
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
