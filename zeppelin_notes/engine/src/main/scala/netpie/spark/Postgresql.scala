package netpie.spark

import java.sql.{Connection, Driver, SQLException}
import java.util.Properties
import com.fasterxml.jackson.databind.ObjectMapper

/** Writes rows to `table` of PostgreSQL, which is made when it is missing, as are columns. A row takes the place of the one with
  * the same end of the window and the same `keys`; where the query has no such columns, a window's rows that of all the
  * window's. A window is there whole or not at all. */
final class Postgresql(driver: Driver, url: String, table: String, keys: Seq[String], user: String, password: String) extends Output {
  private val login = new Properties
  for ((name, value) <- Seq("user" -> user, "password" -> password, "connectTimeout" -> "10", "socketTimeout" -> "10"))
    login.setProperty(name, value)
  private val place = url.stripPrefix("postgresql://").split('/').head
  private val into = table.split('.').map(quoted).mkString(".")
  private val index = quoted(table.replace('.', '_').take(40) + "_window")
  private val end = quoted(OutputWindows.End)
  private var connection = Option.empty[Connection]
  private var known = Set.empty[Seq[String]]

  def write(window: OutputWindow): Unit =
    try {
      val open = connection.getOrElse(driver.connect("jdbc:" + url, login))
      connection = Some(open)
      open.setAutoCommit(false)
      put(open, window)
      open.commit()
    } catch {
      case problem: SQLException =>
        close() // whatever it is, the connection is of no use
        throw new java.io.IOException(place + ": " + Option(problem.getMessage).getOrElse(problem.toString).stripPrefix("ERROR: ").stripPrefix("FATAL: "))
    }

  override def close(): Unit = {
    try connection.foreach(_.close()) catch { case _: SQLException => } // it has broken
    connection = None
    known = Set.empty
  }

  private def put(open: Connection, window: OutputWindow): Unit = {
    if (!known(window.columns ++ window.kinds)) prepare(open, window)
    val columns = (OutputWindows.End -> "timestamptz") +: window.columns.zip(window.kinds.map(kind))
    val names = columns.map(column => quoted(column._1)).mkString(", ")
    val fields = columns.map { case (name, kind) => quoted(name) + " " + kind }.mkString(", ")
    val rows = json(window)
    val made = "jsonb_to_recordset(cast(? as jsonb)) new(" + fields + ")"
    if (keys.nonEmpty && keys.forall(window.columns.contains(_))) {
      val same = (OutputWindows.End +: keys).map(quoted).map(key => "old." + key + " is not distinct from new." + key)
      run(open, "delete from " + into + " old using " + made + " where " + same.mkString(" and "), rows)
    } else run(open, "delete from " + into + " where " + end + " = cast(? as timestamptz)", window.ended)
    run(open, "insert into " + into + " (" + names + ") select " + names + " from " + made, rows)
  }

  private def prepare(open: Connection, window: OutputWindow): Unit = {
    run(open, "create table if not exists " + into + " (" + end + " timestamptz not null)")
    run(open, "create index if not exists " + index + " on " + into + " (" + end + ")")
    for ((name, known) <- window.columns.zip(window.kinds))
      run(open, "alter table " + into + " add column if not exists " + quoted(name) + " " + kind(known))
    known += window.columns ++ window.kinds
  }

  private def run(open: Connection, sql: String, values: String*): Unit = {
    val statement = open.prepareStatement(sql)
    try {
      for ((value, at) <- values.zipWithIndex) statement.setString(at + 1, value)
      statement.execute()
    } finally statement.close()
  }

  /** A name as PostgreSQL has it: without NUL, and of a longer one 63 bytes. */
  private def named(name: String): String = {
    val plain = name.replace("\u0000", "")
    plain.take(plain.scanLeft(0)((size, letter) => size + letter.toString.getBytes("UTF-8").length).lastIndexWhere(_ <= 63))
  }

  private def quoted(name: String): String = "\"" + named(name).replace("\"", "\"\"") + "\""

  private def kind(spark: String): String = spark match {
    case "timestamp" => "timestamptz"
    case "timestamp_ntz" => "timestamp"
    case "date" | "boolean" | "smallint" | "bigint" => spark
    case "tinyint" => "smallint"
    case "int" => "integer"
    case "float" => "real"
    case "double" => "double precision"
    case decimal if decimal.startsWith("decimal") => "numeric" + decimal.stripPrefix("decimal")
    case _ => "text"
  }

  /** The rows as jsonb takes them: it has no NUL, and numbers that JSON has not are texts, as ObjectMapper writes them. */
  private def json(window: OutputWindow): String = {
    val mapper = new ObjectMapper
    val rows = mapper.createArrayNode
    for (row <- window.rows) {
      val made = rows.addObject.put(OutputWindows.End, window.ended)
      for (((name, kind), cell) <- window.columns.zip(window.kinds).zip(row)) (cell, kind) match {
        case (time: Long, "timestamp") => made.put(named(name), OutputWindows.iso(time))
        case (text: String, _) => made.put(named(name), text.replace("\u0000", ""))
        case (other, _) => made.putPOJO(named(name), other)
      }
    }
    mapper.writeValueAsString(rows)
  }
}
