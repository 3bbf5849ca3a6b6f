package netpie.spark

import org.apache.spark.sql.catalyst.InternalRow

/** The elements of a stream that `plain` leaves out. */
final class OtherEvents(plain: PlainEvents) extends (Iterator[Any] => Iterator[Any]) with Serializable {
  override def apply(elements: Iterator[Any]): Iterator[Any] = elements.filter(!plain.isPlain(_))
}

final class TextOf extends (Any => String) with Serializable {
  override def apply(element: Any): String = element.asInstanceOf[String]
}

final class TopicAndTextOf extends (Any => (String, String)) with Serializable {
  override def apply(element: Any): (String, String) = element.asInstanceOf[(String, String)]
}

/** A copy of each row: Spark reuses one row's memory for the next. */
final class CopyOfRow extends (InternalRow => InternalRow) with Serializable {
  override def apply(row: InternalRow): InternalRow = row.copy()
}
