package netpie.spark

/** The columns of the table "measure": `fields` as DDL; the format of times, empty for ISO 8601; and in SQL over the
  * fields, which rows are events and what an event's time is: a time, an ISO 8601 text, a number of seconds or milliseconds
  * since 1970; empty where events have none. */
final class EventColumns(val fields: String, val timeFormat: String, val isEvent: String, val time: String)
