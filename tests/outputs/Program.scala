import java.nio.file.{Files, Paths, StandardCopyOption}
import netpie.spark._
import org.apache.spark.sql.SparkSession
import org.apache.spark.streaming.Time

/** Outputs in Scala, at the command of tests: a line of words, separated by tabs, and a line of an answer. Windows are read from
  * files of lines of JSON. `stream` is what stream.py is in Python. */
object Program {
  private lazy val spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate
  private var outputs: Outputs = null

  private def lines(file: String): Array[Array[Byte]] =
    new String(Files.readAllBytes(Paths.get(file)), "UTF-8").split("\n").map(_.getBytes("UTF-8"))

  private def windows(file: String): Seq[OutputWindow] = lines(file).toSeq.map(OutputWindows.fromJson)

  private def made(kind: String, where: Seq[String]): Output = kind match {
    case "csv" => Csv(where.head, where(1).toDouble, where(2).toDouble)
    case "parquet" => Parquet(where.head, where(1).toDouble, where(2).toDouble)
    case "postgresql" =>
      val driver = Class.forName("org.postgresql.Driver").getDeclaredConstructor().newInstance().asInstanceOf[java.sql.Driver]
      new Postgresql(driver, where.head, where(1), where(2).split(",").toSeq.filter(_.nonEmpty), where(3), where(4))
  }

  private def stream(folder: String, count: Int, file: String): Unit = {
    val given = lines(file)
    val committed = Paths.get(folder, "committed")
    val first = if (Files.exists(committed)) new String(Files.readAllBytes(committed)).toInt + 1 else 0
    println("begun")
    for (number <- first until math.min(first + count, given.size)) {
      outputs.put(OutputWindows.fromJson(given(number)))
      Thread.sleep(3)
      val unfinished = Paths.get(folder, "committed.new")
      Files.write(unfinished, number.toString.getBytes)
      Files.move(unfinished, committed, StandardCopyOption.ATOMIC_MOVE)
    }
    val patience = System.currentTimeMillis + 120000
    def isDelivering = outputs.states.exists(state => state.waiting > 0 && state.reason.isEmpty)
    while (isDelivering && System.currentTimeMillis < patience) Thread.sleep(50)
    outputs.states.foreach(state => println("state " + state))
    outputs.close()
  }

  private def answer(words: Seq[String]): String = words match {
    case Seq("write", file, kind, where @ _*) =>
      // an output of its own for each, as after a restart, where the file's name says so
      lazy val one = made(kind, where)
      windows(file).foreach(window => (if (file.endsWith(".anew")) made(kind, where) else one).write(window))
      "written"
    case Seq("begin", folder) =>
      outputs = Outputs.in(folder, keep = true)
      "begun"
    case Seq("to", kind, where @ _*) =>
      outputs.to(kind, made(kind, where))
      "added"
    case Seq("fail", name, text) =>
      outputs.to(name) { (_, _) => throw new IllegalStateException(text) }
      "added"
    case Seq("give", sql, end) =>
      try { outputs(spark.sql(sql), new Time(end.toLong)); "given" } catch { case problem: IllegalStateException => problem.getMessage }
    case Seq("put", file) =>
      windows(file).foreach(outputs.put)
      "put"
    case Seq("state") => outputs.states.mkString("|")
    case Seq("close") =>
      outputs.close()
      "closed"
    case Seq("json", sql, end) => new String(OutputWindows.toJson(OutputWindows.of(spark.sql(sql), end.toLong)), "UTF-8")
    case Seq("stream", folder, count, file) =>
      stream(folder, count.toInt, file)
      "ended"
  }

  def main(arguments: Array[String]): Unit = {
    println("ANSWER ready")
    for (line <- scala.io.Source.stdin.getLines) println("ANSWER " + (try answer(line.split("\t", -1).toSeq) catch {
      case problem: Exception => "failed: " + problem.getMessage
    }))
    System.exit(0)
  }
}
