package netpie.spark

import java.util.UUID
import org.eclipse.paho.client.mqttv3.{MqttAsyncClient, MqttConnectOptions}
import scala.reflect.ClassTag
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Duration, StreamingContext}
import org.apache.spark.streaming.dstream.{DStream, InputDStream, ReceiverInputDStream}

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
    * @param tls the same as text, and a client's own certificate: `NetpieMqtt.tls`
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
      slide: Duration = eachBatch,
      tls: NetpieTls = ofJava): DStream[String] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis, whichTls(tls, caFile), journal)
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
      slide: Duration = eachBatch,
      tls: NetpieTls = ofJava): DStream[(String, String)] = {
    val settings = new NetpieSettings(brokerUrl, topics.toArray, clientId, login, qos, cleanSession, connectionTimeoutSeconds,
      keepAliveSeconds, mqttVersion, flushMessages, flushMillis, inflight, retryMillis, whichTls(tls, caFile), journal)
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
    ssc.addStreamingListener(new NetpieFailures(ssc, inputs.map(_.id).toSet))
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
      one.flushMillis, one.inflight, one.retryMillis, one.tls, one.journal)
    if (receivers == 1) Seq(of(name, topics)) else (0 until receivers).map(i => of(name + "-" + i, share(i)))
  }

  /** A NETPIE 2015 thing: the application's key, and "TOKENSECRET&APPSECRET". The clientId is the token. */
  def signed(key: String, hmacKey: String): NetpieLogin = new NetpieLogin(Some(key), None, Some(hmacKey))

  def fixed(username: String, password: String): NetpieLogin = new NetpieLogin(Some(username), Some(password), None)

  def anonymous: NetpieLogin = new NetpieLogin(None, None, None)

  /** Whom to trust over TLS and who the client is, as PEM texts; an empty one is left to Java. The key is in PKCS #8. */
  def tls(ca: String = "", certificate: String = "", privateKey: String = ""): NetpieTls =
    new NetpieTls("", ca, certificate, privateKey)

  /** TLS as Java has it, without a client's certificate. */
  def ofJava: NetpieTls = new NetpieTls("", "", "", "")

  private def whichTls(tls: NetpieTls, caFile: String): NetpieTls =
    if (caFile.isEmpty) tls else new NetpieTls(caFile, tls.ca, tls.certificate, tls.privateKey)

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
