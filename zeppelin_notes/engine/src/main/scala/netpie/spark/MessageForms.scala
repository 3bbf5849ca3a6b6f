package netpie.spark

/** What a stream of payloads holds of a message: its text. */
final class NetpieText extends ((String, String) => String) with Serializable {
  override def apply(topic: String, text: String): String = text
}

/** What a stream of topics and payloads holds of a message. */
final class NetpieTopicAndText extends ((String, String) => (String, String)) with Serializable {
  override def apply(topic: String, text: String): (String, String) = (topic, text)
}
