package netpie.spark

import java.io.{BufferedInputStream, ByteArrayInputStream, FilterOutputStream, InputStream}
import java.io.{ObjectInputStream, OutputStream}
import java.net.{InetAddress, Socket}
import java.nio.charset.StandardCharsets
import java.security.GeneralSecurityException
import java.util.ArrayList
import java.util.concurrent.{ArrayBlockingQueue, CountDownLatch, LinkedBlockingQueue, ThreadLocalRandom, TimeUnit}
import java.util.concurrent.atomic.AtomicLong
import javax.net.SocketFactory
import org.eclipse.paho.client.mqttv3.{IMqttDeliveryToken, MqttAsyncClient, MqttCallback}
import org.eclipse.paho.client.mqttv3.{MqttConnectOptions, MqttException, MqttMessage}
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence
import scala.collection.mutable.ArrayBuffer
import scala.util.control.NonFatal
import org.apache.spark.SparkEnv
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.receiver.Receiver
import org.apache.spark.util.LongAccumulator

/** Receives the messages of some topics: stores them in batches, acknowledges only what Spark has stored, reconnects by
  * itself, disconnects when stopped, and signs a fresh NETPIE password at each connect. `made` turns a topic and a payload,
  * as UTF-8 text, into an element of the stream.
  *
  * What runs lives in one `Run`, made by `onStart` and ended by `onStop`: a receiver that Spark starts again shares nothing
  * with its former self. */
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
    private val keeper = thread("netpie-mqtt-connect-" + streamId, () => keepConnected())
    private val storer = thread("netpie-mqtt-store-" + streamId, () => keepStoring())
    @volatile private var running = true
    @volatile private var client: MqttAsyncClient = null
    @volatile private var connecting = false
    private var subscribed = false
    // Longer than Paho gives the socket, so that a socket's own error comes first.
    private val patience = 1000L * settings.connectionTimeoutSeconds + 1000

    // Paho starts its threads from ours, and a thread is a daemon when its parent is: none keeps a JVM from ending.
    private def thread(name: String, work: () => Unit): Thread = {
      val body = new Runnable { override def run(): Unit = try work() catch { case fatal: Throwable => fail(fatal) } }
      val made = new Thread(body, name)
      made.setDaemon(true)
      made
    }

    /** Ends the receiver for good: what reaches this can't be cured by a retry. */
    private def fail(fatal: Throwable): Unit = if (running) {
      val message = "MQTT " + settings.brokerUrl + ": the receiver ends: " + oneLine(fatal)
      log.error(message, fatal)
      // From another thread, as Spark calls `onStop` at once, and that waits for this one.
      thread("netpie-mqtt-end-" + streamId, () => NetpieReceiver.this.stop(message, fatal)).start()
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
        val end = try { connect(); up = System.nanoTime; losses.take() } catch {
          case NonFatal(problem) => problem
          case stopped: InterruptedException => stopped
        }
        if (running) {
          // Paho wraps what was thrown in its own threads.
          causes(end).find(!isCurable(_)).foreach(throw _)
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
      renameThreads()
      if (subscribed) reconnects.add(1)
      if (!subscribed || !session.getSessionPresent) subscribe()
      subscribed = true
      log.info("MQTT " + settings.brokerUrl + ": connected")
    }

    /** Paho names its threads after the client id, a thing's token at NETPIE, and Spark's page shows threads to anybody. */
    private def renameThreads(): Unit = {
      val group = new Array[Thread](2 * Thread.activeCount + 16)
      val named = group.take(Thread.enumerate(group)).filter(_.getName.startsWith("MQTT "))
      for (each <- named if settings.clientId.nonEmpty && each.getName.endsWith(settings.clientId))
        each.setName(each.getName.stripSuffix(settings.clientId) + "netpie-mqtt-" + streamId)
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
      if (settings.tls.isOwn) made.setSocketFactory(settings.tls.sockets)
      for (user <- settings.login.username(System.currentTimeMillis / 1000)) {
        made.setUserName(user)
        settings.login.password(settings.clientId, user).foreach(word => made.setPassword(word.toCharArray))
      }
      made
    }

    private def subscribe(): Unit = {
      val answer = client.subscribe(settings.topics, Array.fill(settings.topics.length)(settings.qos))
      answer.waitForCompletion(patience)
      val denied = settings.topics.zip(answer.getGrantedQos).collect { case (topic, 128) => withoutToken(topic) }
      if (denied.nonEmpty) throw new SecurityException("the broker refuses a subscription to " + denied.mkString(", "))
    }

    /** A FlowChannel's topics hold ID:TOKEN; Spark's page shows errors to anybody. */
    private def withoutToken(topic: String): String = topic.replaceAll("^(@tap/[^/]+/[^/]+/[^/:]+):[^/]*", "$1")

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
        "the broker's certificate is refused: " + distrust(e).get.getMessage + " (checked against " + settings.tls.trusted + ")"
      case e: MqttException if e.getCause != null => e.getMessage + " (" + oneLine(e.getCause) + ")"
      case e: MqttException => e.getMessage + " (code " + e.getReasonCode + ")"
      case e => oneLine(e)
    }

    /** The innermost reason why Java does not take the broker's certificate, if that is the problem. */
    private def distrust(problem: Throwable): Option[Throwable] =
      causes(problem).filter(_.isInstanceOf[GeneralSecurityException]).lastOption

    private def isCurable(problem: Throwable): Boolean = NonFatal(problem) || problem.isInstanceOf[InterruptedException]

    private def causes(problem: Throwable): List[Throwable] =
      Iterator.iterate(problem)(_.getCause).takeWhile(_ != null).toList

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
