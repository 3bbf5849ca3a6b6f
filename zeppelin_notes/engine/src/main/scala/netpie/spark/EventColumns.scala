package netpie.spark

/** The columns of the table "measure": `fields` as DDL, the format of times, which rows are events (SQL), and the column
  * that has an event's time. */
final class EventColumns(val fields: String, val timeFormat: String, val isEvent: String, val time: String)
