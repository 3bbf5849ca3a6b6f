// Apache Bahir's entry points, by Bahir's names, on the connector of this project: code that imports
// org.apache.spark.streaming.mqtt._ runs unchanged on Scala versions that Bahir has no artifact for.
package org.apache.spark.streaming.mqtt

import netpie.spark.{NetpieMqtt, NetpieSettings, NetpieText, NetpieTls}
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.StreamingContext
import org.apache.spark.streaming.api.java.{JavaReceiverInputDStream, JavaStreamingContext}
import org.apache.spark.streaming.dstream.ReceiverInputDStream
import org.eclipse.paho.client.mqttv3.MqttAsyncClient

object MQTTUtils {
  def createStream(
      ssc: StreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_SER_2): ReceiverInputDStream[String] =
    createStream(ssc, brokerUrl, topic, storageLevel, None, None, None, None, None, None, None, None)

  /** Where an option is None: a made-up client id, no login, a clean session, QoS 1, 30 s, 60 s, MQTT 3.1.1. */
  def createStream(
      ssc: StreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel,
      clientId: Option[String],
      username: Option[String],
      password: Option[String],
      cleanSession: Option[Boolean],
      qos: Option[Int],
      connectionTimeout: Option[Int],
      keepAliveInterval: Option[Int],
      mqttVersion: Option[Int]): ReceiverInputDStream[String] =
    createStream(ssc, brokerUrl, topic, storageLevel, clientId, username, password, cleanSession, qos, connectionTimeout,
      keepAliveInterval, mqttVersion, NetpieMqtt.ofJava)

  /** The same with authorities or a client's certificate of one's own for ssl:// and wss://, which Bahir has not. */
  def createStream(
      ssc: StreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel,
      clientId: Option[String],
      username: Option[String],
      password: Option[String],
      cleanSession: Option[Boolean],
      qos: Option[Int],
      connectionTimeout: Option[Int],
      keepAliveInterval: Option[Int],
      mqttVersion: Option[Int],
      tls: NetpieTls): ReceiverInputDStream[String] = {
    val login = for (name <- username; word <- password) yield NetpieMqtt.fixed(name, word)
    val settings = new NetpieSettings(
      brokerUrl,
      Array(topic),
      clientId.getOrElse(MqttAsyncClient.generateClientId()),
      login.getOrElse(NetpieMqtt.anonymous),
      qos.getOrElse(1),
      cleanSession.getOrElse(true),
      connectionTimeoutSeconds = connectionTimeout.getOrElse(30),
      keepAliveSeconds = keepAliveInterval.getOrElse(60),
      mqttVersion = mqttVersion.getOrElse(4),
      flushMessages = 5000,
      flushMillis = 200,
      inflight = 20,
      retryMillis = 1000,
      tls = tls,
      journal = "")
    NetpieMqtt.streams(ssc, Seq(settings), NetpieMqtt.eachBatch, storageLevel, new NetpieText).head
  }

  def createStream(jssc: JavaStreamingContext, brokerUrl: String, topic: String): JavaReceiverInputDStream[String] =
    createStream(jssc.ssc, brokerUrl, topic)

  def createStream(
      jssc: JavaStreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel): JavaReceiverInputDStream[String] =
    createStream(jssc.ssc, brokerUrl, topic, storageLevel)

  def createStream(
      jssc: JavaStreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel,
      clientId: String,
      username: String,
      password: String,
      cleanSession: Boolean,
      qos: Int,
      connectionTimeout: Int,
      keepAliveInterval: Int,
      mqttVersion: Int): JavaReceiverInputDStream[String] =
    createStream(jssc.ssc, brokerUrl, topic, storageLevel, Option(clientId), Option(username), Option(password),
      Some(cleanSession), Some(qos), Some(connectionTimeout), Some(keepAliveInterval), Some(mqttVersion))

  def createStream(
      jssc: JavaStreamingContext,
      brokerUrl: String,
      topic: String,
      storageLevel: StorageLevel,
      username: String,
      password: String): JavaReceiverInputDStream[String] =
    createStream(jssc.ssc, brokerUrl, topic, storageLevel, None, Option(username), Option(password),
      None, None, None, None, None)

  def createStream(
      jssc: JavaStreamingContext,
      brokerUrl: String,
      topic: String,
      clientId: String,
      username: String,
      password: String,
      cleanSession: Boolean,
      qos: Int,
      connectionTimeout: Int,
      keepAliveInterval: Int,
      mqttVersion: Int): JavaReceiverInputDStream[String] =
    createStream(jssc, brokerUrl, topic, StorageLevel.MEMORY_AND_DISK_SER_2, clientId, username, password,
      cleanSession, qos, connectionTimeout, keepAliveInterval, mqttVersion)

  def createStream(
      jssc: JavaStreamingContext,
      brokerUrl: String,
      topic: String,
      clientId: String,
      username: String,
      password: String,
      cleanSession: Boolean): JavaReceiverInputDStream[String] =
    createStream(jssc.ssc, brokerUrl, topic, StorageLevel.MEMORY_AND_DISK_SER_2, Option(clientId), Option(username),
      Option(password), Some(cleanSession), None, None, None, None)
}
