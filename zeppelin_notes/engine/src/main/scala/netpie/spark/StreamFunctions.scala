package netpie.spark

import org.apache.spark.sql.catalyst.InternalRow

/** The events, each with its topic or an empty one, that `plain` leaves out. */
final class OtherEvents(plain: PlainEvents) extends (Iterator[Any] => Iterator[(String, String)]) with Serializable {
  override def apply(elements: Iterator[Any]): Iterator[(String, String)] = elements.flatMap(plain.othersIn).map {
    case (topic: String, text: String) => (topic, text)
    case text: String => ("", text)
  }
}

/** A copy of each row: Spark reuses one row's memory for the next. */
final class CopyOfRow extends (InternalRow => InternalRow) with Serializable {
  override def apply(row: InternalRow): InternalRow = row.copy()
}
