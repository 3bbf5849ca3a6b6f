package netpie.spark

import org.eclipse.paho.client.mqttv3.MqttTopic

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
    val tls: NetpieTls,
    val journal: String) extends Serializable {
  require(brokerUrl.matches("(tcp|ssl|ws|wss)://[^/].*"), "brokerUrl has to be like tcp://HOST:PORT, not " + brokerUrl)
  require(topics.nonEmpty, "topics has to name at least one topic")
  topics.foreach(MqttTopic.validate(_, true))
  require(qos >= 0 && qos <= 2, "qos has to be 0, 1 or 2, not " + qos)
  require(cleanSession || clientId.nonEmpty, "cleanSession = false needs a clientId: the broker knows the session by it")
  require(flushMessages > 0 && flushMillis > 0 && inflight > 0 && retryMillis > 0 && connectionTimeoutSeconds > 0,
    "flushMessages, flushMillis, inflight, retryMillis and connectionTimeoutSeconds have to be above 0")
  require(journal.isEmpty || qos > 0 && !cleanSession, "a journal is for qos 1 or 2 and cleanSession = false")
  require(!tls.isOwn || isTls, tls.trusted.split(" ")(0) + " is for ssl:// and wss://, not for " + brokerUrl)

  def isTls: Boolean = brokerUrl.startsWith("ssl:") || brokerUrl.startsWith("wss:")
}
