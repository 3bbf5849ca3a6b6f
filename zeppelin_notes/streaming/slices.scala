// Every batch becomes a slice of the table "measure": its lines are read once, and the rows are kept, in memory or where
// that is short on disk, until the window has passed them. A query that permits it is computed from parts, which are
// aggregates of slices; any other runs over all rows of the window.
import java.lang.reflect.InvocationTargetException
import java.sql.Timestamp
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{Column, DataFrame, Encoders, SparkSession}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, Expression, GenericInternalRow, NamedExpression, SubqueryExpression}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical.{Aggregate, LogicalPlan, Project}
import org.apache.spark.sql.execution.QueryExecution
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.{DecimalType, DoubleType, StringType, StructType, TimestampType}
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Duration, Time}
import org.apache.spark.streaming.dstream.DStream
import org.apache.spark.unsafe.types.UTF8String
import org.apache.spark.util.LongAccumulator
import scala.reflect.{classTag, ClassTag}

/** Reads events of the form that nearly all have, a flat object of plain strings and numbers, some ten times as fast as
  * Spark's JSON reader and to the same rows. A line of any other form is counted in `others` and left out: it is read by
  * Spark's reader. An element of the stream is a line, or a topic and a line; the topic becomes the last column.
  *
  * `kinds` has a letter for each of the columns `names`: t(ime), s(tring), d(ouble). The class is final and names no other
  * class of this note, so that executors get it without the note around it. */
final class PlainEvents(names: Array[String], kinds: Array[Char], others: LongAccumulator)
    extends (Iterator[Any] => Iterator[InternalRow]) with Serializable {
  private val tens = Array(1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15)
  @transient private var line: String = null
  @transient private var at = 0
  @transient private var lastTime: String = null
  @transient private var lastMicros = 0L

  override def apply(elements: Iterator[Any]): Iterator[InternalRow] = {
    var odd = 0L
    val rows = elements.map(rowOf).filter { row =>
      if (row == null) odd += 1
      row != null
    }
    new Iterator[InternalRow] {
      override def hasNext: Boolean = {
        val more = rows.hasNext
        if (!more && odd > 0) { others.add(odd); odd = 0 }
        more
      }
      override def next(): InternalRow = rows.next()
    }
  }

  /** Whether `apply` gives a row for this element. */
  def isPlain(element: Any): Boolean = rowOf(element) != null

  private def rowOf(element: Any): InternalRow = element match {
    case (topic: String, text: String) =>
      val values = new Array[Any](names.length + 1)
      values(names.length) = UTF8String.fromString(topic)
      if (read(text, values)) new GenericInternalRow(values) else null
    case text: String =>
      val values = new Array[Any](names.length)
      if (read(text, values)) new GenericInternalRow(values) else null
    case _ => null
  }

  private def read(text: String, values: Array[Any]): Boolean = {
    line = text
    at = 0
    var seen = 0L
    if (!take('{')) return false
    if (!take('}')) {
      var more = true
      while (more) {
        skipBlanks()
        val key = string()
        if (key == null || !take(':')) return false
        skipBlanks()
        var column = names.length - 1
        while (column >= 0 && names(column) != key) column -= 1
        if (column < 0) { if (!skipValue()) return false }
        else {
          if ((seen & (1L << column)) != 0 || !readValue(values, column)) return false
          seen |= 1L << column
        }
        more = take(',')
      }
      if (!take('}')) return false
    }
    skipBlanks()
    at == line.length
  }

  private def readValue(values: Array[Any], column: Int): Boolean =
    if (word("null")) true
    else kinds(column) match {
      case 's' =>
        val text = string()
        if (text != null) values(column) = UTF8String.fromString(text)
        text != null
      case 't' =>
        val text = string()
        val good = text != null && (text == lastTime || isTime(text))
        if (good) values(column) = lastMicros
        good
      case 'd' => number(values, column)
      case _ => false
    }

  private def skipValue(): Boolean =
    if (at < line.length && line.charAt(at) == '"') string() != null
    else word("true") || word("false") || word("null") || number(null, 0)

  private def skipBlanks(): Unit = while (at < line.length && " \t\r\n".indexOf(line.charAt(at)) >= 0) at += 1

  private def take(wanted: Char): Boolean = {
    skipBlanks()
    val there = at < line.length && line.charAt(at) == wanted
    if (there) at += 1
    there
  }

  private def word(wanted: String): Boolean = {
    val there = line.startsWith(wanted, at)
    if (there) at += wanted.length
    there
  }

  /** A string without escapes; null where there is none. */
  private def string(): String = {
    if (at >= line.length || line.charAt(at) != '"') return null
    val begin = at + 1
    var end = begin
    while (end < line.length) {
      val c = line.charAt(end)
      if (c == '"') {
        at = end + 1
        return line.substring(begin, end)
      }
      if (c == '\\' || c < ' ') return null
      end += 1
    }
    null
  }

  /** A number without an exponent. What has at most 15 digits is exact as a whole number and as a power of ten, so one
    * division rounds it as it should be. */
  private def number(values: Array[Any], column: Int): Boolean = {
    val begin = at
    val negative = at < line.length && line.charAt(at) == '-'
    if (negative) at += 1
    val first = at
    var whole = digits(0L)
    val count = at - first
    if (count == 0 || count > 1 && line.charAt(first) == '0') return false
    var decimals = 0
    if (at < line.length && line.charAt(at) == '.') {
      at += 1
      val point = at
      whole = digits(whole)
      decimals = at - point
      if (decimals == 0) return false
    }
    if (at < line.length && "eE".indexOf(line.charAt(at)) >= 0 || at - begin > 30 || negative && whole == 0) return false
    if (values != null) {
      val exact = count + decimals <= 15
      val positive = if (exact) whole / tens(decimals) else 0.0
      values(column) =
        if (!exact) java.lang.Double.parseDouble(line.substring(begin, at)) else if (negative) -positive else positive
    }
    true
  }

  private def digits(before: Long): Long = {
    var number = before
    while (at < line.length && line.charAt(at) >= '0' && line.charAt(at) <= '9') {
      number = number * 10 + (line.charAt(at) - '0')
      at += 1
    }
    number
  }

  /** Whether a text is a time of the form 2018-10-29T09:53:36+0700; then it is the last time, in microseconds. */
  private def isTime(text: String): Boolean = {
    if (text.length != 24 || !text.matches("(19|20)\\d\\d-\\d\\d-\\d\\dT([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d[+-](0\\d|1[0-3])[0-5]\\d"))
      return false
    def two(from: Int): Int = text.substring(from, from + 2).toInt
    val (year, month, day) = (text.substring(0, 4).toInt, two(5), two(8))
    if (month < 1 || month > 12 || day < 1 || day > java.time.YearMonth.of(year, month).lengthOfMonth) return false
    val offset = (if (text.charAt(19) == '-') -60L else 60L) * (two(20) * 60 + two(22))
    val seconds = java.time.LocalDate.of(year, month, day).toEpochDay * 86400 + two(11) * 3600 + two(14) * 60 + two(17) - offset
    lastTime = text
    lastMicros = seconds * 1000000
    true
  }
}

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

/** A copy of each row, as Spark uses one row's memory for the next. */
final class CopyOfRow extends (InternalRow => InternalRow) with Serializable {
  override def apply(row: InternalRow): InternalRow = row.copy()
}

/** Finds all classes but those of the shell's lines without the shell. Spark's code generator asks for classes that nobody
  * has, and the shell then asks the compiler for them, which is not made for a batch beside a paragraph that compiles. */
final class PastTheShell(shell: ClassLoader) extends ClassLoader(shell.getParent) {
  override def findClass(name: String): Class[_] =
    if (name.startsWith("$line")) shell.loadClass(name) else throw new ClassNotFoundException(name)
}

/** What Spark keeps to its own packages, under the same names from 2.4 to 4.x. */
object Inside {
  def frame(rows: RDD[InternalRow], schema: StructType, session: SparkSession = spark): DataFrame =
    call(session, "internalCreateDataFrame", rows, schema, java.lang.Boolean.FALSE).asInstanceOf[DataFrame]

  def frame(plan: LogicalPlan): DataFrame = {
    val datasets = Class.forName(spark.getClass.getPackage.getName + ".Dataset$").getField("MODULE$").get(null)
    call(datasets, "ofRows", spark, plan).asInstanceOf[DataFrame]
  }

  def analyzed(frame: DataFrame): LogicalPlan = execution(frame).analyzed

  def rows(frame: DataFrame): RDD[InternalRow] = execution(frame).toRdd

  /** Runs `act` so that it does not disturb the shell's compiler. */
  def pastTheShell[T](act: => T): T = {
    val (thread, before) = (Thread.currentThread, Thread.currentThread.getContextClassLoader)
    if (before.getClass.getName.startsWith("scala.tools.nsc.")) thread.setContextClassLoader(new PastTheShell(before))
    try act finally thread.setContextClassLoader(before)
  }

  private def execution(frame: DataFrame) = call(frame, "queryExecution").asInstanceOf[QueryExecution]

  private def call(target: AnyRef, name: String, arguments: AnyRef*): AnyRef = {
    val found = target.getClass.getMethods.find(each => each.getName == name && each.getParameterCount == arguments.size)
    try found.getOrElse(throw new NoSuchMethodException(target.getClass.getName + "." + name)).invoke(target, arguments: _*)
    catch { case problem: InvocationTargetException => throw problem.getCause }
  }
}

/** Reads the events of one batch into tables of the form `schema`, and counts them. */
final class EventReader(val topics: Boolean) {
  private val fields = StructType.fromDDL(Columns.fields)
  private val kinds = fields.map(_.dataType match {
    case TimestampType if Columns.timeFormat == "yyyy-MM-dd'T'HH:mm:ssZ" => 't'
    case StringType => 's'
    case DoubleType => 'd'
    case _ => ' '
  }).toArray

  // A table that is kept holds its session, or a copy of it (CacheManager), and so what the session's views are made of: in
  // the note's own session, by way of `measure`, all slices that ever were.
  private val own = spark.newSession

  val schema: StructType = if (topics) fields.add("topic", StringType) else fields

  /** The tables, kept; and counts. A line that is no event is a row of nulls, as in the document's code. An event is late
    * whose time is before `since` (epoch ms). */
  def read(elements: RDD[Any], since: Long): (Seq[DataFrame], Map[String, Long]) = {
    for ((name, value) <- spark.conf.getAll if own.conf.isModifiable(name)) own.conf.set(name, value)
    val few = elements.coalesce(sc.defaultParallelism)
    val others = sc.longAccumulator
    val plain = new PlainEvents(fields.fieldNames, kinds, others)
    val first = Inside.frame(few.mapPartitions(plain), schema, own).persist(Slices.level)
    val counted = counts(first, since)
    if (others.value == 0) (Seq(first), counted)
    else {
      val left = few.mapPartitions(new OtherEvents(plain))
      val second = (if (topics) withTopics(left) else withoutTopics(left)).persist(Slices.level)
      val (more, lines) = (counts(second, since), counted("events") + left.count)
      (Seq(first, second), Map("events" -> lines, "late" -> (counted("late") + more("late")),
        "malformed" -> math.max(0, lines - counted("events") + counted("malformed") - more("events") + more("malformed"))))
    }
  }

  private def counts(table: DataFrame, since: Long): Map[String, Long] = {
    def where(condition: Column) = count(when(condition, 1))
    val late = col(Columns.time) < lit(new Timestamp(since))
    val row = table.agg(count(lit(1)), where(expr(Columns.isEvent)), where(late)).head
    Map("events" -> row.getLong(0), "malformed" -> (row.getLong(0) - row.getLong(1)), "late" -> row.getLong(2))
  }

  private def withoutTopics(lines: RDD[Any]): DataFrame = {
    val texts = own.createDataset(lines.map(new TextOf))(Encoders.STRING)
    own.read.schema(fields).option("timestampFormat", Columns.timeFormat).json(texts)
  }

  private def withTopics(lines: RDD[Any]): DataFrame = {
    val pairs = own.createDataset(lines.map(new TopicAndTextOf))(Encoders.tuple(Encoders.STRING, Encoders.STRING))
    val read = from_json(col("_2"), fields, Map("timestampFormat" -> Columns.timeFormat))
    pairs.select(read.as("event"), col("_1").as("topic")).select("event.*", "topic")
  }
}

/** A query as it is put together from parts: `split`, of its plan, groups and aggregates rows of the table at `leaf`. A part
  * has, for some of these rows, the groups (g0, …) and what each aggregate function needs (s: sum, n: count, m: extreme). */
final class Parts(plan: LogicalPlan, split: Aggregate, leaf: LogicalPlan) {
  private val groups = split.groupingExpressions
  private val functions = Parts.functions(split)
  private val names = groups.indices.map("g" + _)

  // Each with what it is in rows, and how several parts of it become one.
  private val columns: Seq[(String, Column, Column => Column)] = ("rows", count(lit(1)), sum(_: Column)) +:
    functions.indices.flatMap { i =>
      val value = col("c" + i)
      functions(i).aggregateFunction.prettyName match {
        case "count" => Seq(("n" + i, count(value), sum(_: Column)))
        case "sum" => Seq(("s" + i, sum(value), sum(_: Column)))
        case "min" => Seq(("m" + i, min(value), min(_: Column)))
        case "max" => Seq(("m" + i, max(value), max(_: Column)))
        case "avg" => Seq(("s" + i, sum(value.cast("double")), sum(_: Column)), ("n" + i, count(value), sum(_: Column)))
      }
    }

  private val results = functions.indices.map { i =>
    val result = functions(i).aggregateFunction.prettyName match {
      case "count" => coalesce(col("n" + i), lit(0L))
      case "sum" => col("s" + i)
      case "avg" => when(col("n" + i) > 0, col("s" + i) / col("n" + i))
      case _ => col("m" + i)
    }
    result.cast(functions(i).dataType).as("a" + i)
  }

  lazy val schema: StructType = of(Inside.frame(leaf)).schema

  /** The part of a table with the columns of `measure`. */
  def of(table: DataFrame): DataFrame = {
    val rows = Inside.analyzed(table)
    val same = Project(leaf.output.zip(rows.output).map { case (wanted, has) => Alias(has, wanted.name)(exprId = wanted.exprId) }, rows)
    val needed = groups.zip(names).map { case (group, name) => Alias(group, name)() } ++
      functions.zipWithIndex.map { case (function, i) => Alias(function.aggregateFunction.children.head, "c" + i)() }
    val below = split.child.transformUp { case node if node eq leaf => same }
    grouped(Inside.frame(Project(needed, below)), columns.map { case (name, first, _) => first.as(name) })
  }

  /** The part of all that several parts are of. */
  def merged(parts: DataFrame): DataFrame =
    grouped(parts, columns.map { case (name, _, more) => more(col(name)).as(name) })

  /** The query's own rows. */
  def rows(part: DataFrame): DataFrame = {
    val found = Inside.analyzed(part.select(names.map(col) ++ results: _*))
    val (group, result) = found.output.splitAt(names.size)
    val wanted = split.aggregateExpressions.map { named =>
      val value = named.transform {
        case function: AggregateExpression => result(functions.indexWhere(_.resultId == function.resultId))
        case each if groups.exists(_.semanticEquals(each)) => group(groups.indexWhere(_.semanticEquals(each)))
      }
      value match {
        case alias: Alias => alias
        case other => Alias(other, named.name)(exprId = named.exprId)
      }
    }
    Inside.frame(plan.transform { case node if node eq split => Project(wanted, found) })
  }

  private def grouped(table: DataFrame, sums: Seq[Column]): DataFrame =
    if (names.isEmpty) table.agg(sums.head, sums.tail: _*) else table.groupBy(names.map(col): _*).agg(sums.head, sums.tail: _*)
}

object Parts {
  private val known = Set("count", "sum", "avg", "min", "max")
  private val below = Set("Project", "Filter", "SubqueryAlias", "View")

  /** How to put `query` together, or why its rows can't be had from parts. */
  def of(query: DataFrame, measure: DataFrame): Either[String, Parts] = {
    val plan = Inside.analyzed(query)
    val path = Iterator.iterate(Seq(plan))(_.last.children).takeWhile(_.size == 1).map(_.head).toVector
    val (leaf, table) = (path.last, Inside.analyzed(measure).collectLeaves.head)
    val at = path.lastIndexWhere(_.isInstanceOf[Aggregate])
    val under = path.drop(at + 1).dropRight(1)
    if (leaf.children.nonEmpty || has(plan, _.isInstanceOf[SubqueryExpression])) Left("it reads more than one table")
    else if (!leaf.sameResult(table)) Left("it does not read measure")
    else if (at < 0) Left("it aggregates nothing")
    else {
      val split = path(at).asInstanceOf[Aggregate]
      under.find(node => !below(node.nodeName)).map(node => "it aggregates what a " + node.nodeName + " has made")
        .orElse(functions(split).find(!fits(_)).map(function => function.sql + " needs every row"))
        .orElse(Some("it asks each row for the time or for chance").filter(_ => (split +: under).exists(has(_, changes))))
        .toLeft(new Parts(plan, split, leaf))
    }
  }

  def functions(split: Aggregate): Seq[AggregateExpression] =
    split.aggregateExpressions.flatMap(_.collect { case function: AggregateExpression => function })

  private def fits(function: AggregateExpression): Boolean = {
    val of = function.aggregateFunction
    known(of.prettyName) && !function.isDistinct && function.children.size == 1 && of.children.size == 1 &&
      !of.children.head.dataType.isInstanceOf[DecimalType]
  }

  private def has(plan: LogicalPlan, wanted: Expression => Boolean): Boolean =
    plan.find(_.expressions.exists(_.find(wanted).isDefined)).isDefined

  private def changes(each: Expression): Boolean =
    !each.isInstanceOf[AggregateExpression] && !each.deterministic && each.children.forall(_.deterministic) ||
      each.nodeName.startsWith("Current") || each.nodeName == "Now" || each.nodeName.startsWith("LocalTimestamp")
}

/** The windows of a stream, a slice a batch. */
final class Slices(stream: DStream[Any], topics: Boolean, window: Duration, slide: Duration) {
  private final class Slice(val index: Long, val tables: Seq[DataFrame], val events: Long) {
    val rows: RDD[InternalRow] = sc.union(tables.map(Inside.rows))
  }

  private val batch = stream.slideDuration.milliseconds
  private val reader = new EventReader(topics)
  private var slices = Vector.empty[Slice]
  // Of `Slices.fan` to the power of LEVEL slices from LEVEL and INDEX on.
  private var parts = Map.empty[(Int, Long), RDD[InternalRow]]
  private var partsOf: Parts = null
  @volatile private var planned: (String, Either[String, Parts]) = ("", Left(""))
  private var zero = -1L

  table(Nil).createOrReplaceTempView("measure")
  Results.about(() => kept)

  /** Gives `use` the rows of the query for every window, and the time when the window ended. */
  def foreachWindow(use: (DataFrame, Time) => Unit): Unit = stream.foreachRDD { (rdd, time) =>
    Inside.pastTheShell {
      if (zero < 0) zero = time.milliseconds - batch
      add(rdd, time)
      if ((time.milliseconds - zero) % slide.milliseconds == 0) {
        val result = rows(time, spark.conf.get("netpie.query")).cache
        try use(result, time) finally result.unpersist()
      }
    }
  }

  /** How a query is computed. */
  def explain(query: String): String = "Each window: " + (plan(query) match {
    case Right(_) => "aggregates of its slices, put together"
    case Left(why) => "all its rows are queried, as " + why
  })

  /** Takes the elements of the batch that ended at `time`. */
  def add(rdd: RDD[Any], time: Time): Unit = {
    val index = time.milliseconds / batch
    val first = index - (window.milliseconds + slide.milliseconds) / batch
    val (over, still) = slices.partition(_.index <= first)
    over.foreach(_.tables.foreach(_.unpersist()))
    slices = still
    forget(part => part._2 <= first)
    val (tables, counts) = reader.read(rdd, time.milliseconds - window.milliseconds)
    slices :+= new Slice(index, tables, counts("events"))
    for ((name, number) <- counts) Results.count(name, number)
  }

  /** The rows of `query` over the window that ends at `time`. */
  def rows(time: Time, query: String): DataFrame = {
    val last = time.milliseconds / batch
    val first = last - window.milliseconds / batch + 1
    table(slices.filter(_.index >= first)).createOrReplaceTempView("measure")
    plan(query) match {
      case Right(made) =>
        if (made ne partsOf) forget(_ => true)
        partsOf = made
        made.rows(made.merged(partsTable(made, cover(first, last).map { case (level, index) => part(made, level, index) })))
      case Left(_) => spark.sql(query)
    }
  }

  /** Keeps nothing any more. */
  def close(): Unit = {
    slices.foreach(_.tables.foreach(_.unpersist()))
    slices = Vector.empty
    forget(_ => true)
  }

  private def plan(query: String): Either[String, Parts] = synchronized {
    if (planned._1 != query) {
      val made = if (window.milliseconds == batch) Left("a window is one slice") else
        try Parts.of(spark.sql(query), spark.table("measure"))
        catch { case problem: ReflectiveOperationException => Left("this Spark is another one inside (" + problem + ")") }
      planned = (query, made)
    }
    planned._2
  }

  /** The fewest parts, as (level, index), that make the slices from `first` to `last`. */
  private def cover(first: Long, last: Long): List[(Int, Long)] =
    if (first > last) Nil
    else {
      val level = Iterator.from(0).takeWhile(l => first % size(l) == 0 && first + size(l) - 1 <= last).toList.last
      (level, first) :: cover(first + size(level), last)
    }

  private def size(level: Int): Long = math.pow(Slices.fan, level).toLong

  /** A part: the one that is kept, else made of the parts one level below where some of these are kept, else of the rows.
    * So a slide reads the rows of its own slices, and those of many only when the query is new. */
  private def part(made: Parts, level: Int, index: Long): RDD[InternalRow] = parts.getOrElse((level, index), {
    val smaller = if (level == 0) Nil else (0 until Slices.fan).map(i => (level - 1, index + i * size(level - 1)))
    val frame =
      if (smaller.exists(parts.contains)) made.merged(partsTable(made, smaller.map { case (l, i) => part(made, l, i) }))
      else made.of(table(slices.filter(slice => slice.index >= index && slice.index < index + size(level))))
    // A checkpoint, else Spark makes a stage for all that a part was ever made of, at each use.
    val kept = Inside.rows(frame).map(new CopyOfRow).persist(Slices.level).localCheckpoint()
    parts += (level, index) -> kept
    kept
  })

  private def partsTable(made: Parts, some: Seq[RDD[InternalRow]]): DataFrame =
    Inside.frame(few(some), made.schema)

  private def table(some: Seq[Slice]): DataFrame = Inside.frame(few(some.map(_.rows)), reader.schema)

  private def few(some: Seq[RDD[InternalRow]]): RDD[InternalRow] =
    if (some.isEmpty) sc.emptyRDD else sc.union(some).coalesce(sc.defaultParallelism)

  private def forget(which: ((Int, Long)) => Boolean): Unit = {
    val (gone, still) = parts.partition { case (key, _) => which(key) }
    gone.values.foreach(_.unpersist(false))
    parts = still
  }

  private def kept: String = {
    val stored = sc.getRDDStorageInfo
    def mib(bytes: Long) = "%.1f MiB".format(bytes / 1048576.0)
    slices.size + " slices of " + batch / 1000 + " s with " + slices.map(_.events).sum + " events; Spark keeps " +
      mib(stored.map(_.memSize).sum) + " in memory and " + mib(stored.map(_.diskSize).sum) + " on disk"
  }
}

object Slices {
  /** How many parts of one level make one of the next. */
  val fan = 8

  /** Without a second copy an executor that dies takes rows along. */
  val level = if (sc.isLocal) StorageLevel.MEMORY_AND_DISK else StorageLevel.MEMORY_AND_DISK_2

  def of[T: ClassTag](stream: DStream[T], window: Duration, slide: Duration): Slices =
    new Slices(stream.asInstanceOf[DStream[Any]], classTag[T].runtimeClass == classOf[(_, _)], window, slide)
}

// From Spark 3.0 on a date that is none, such as February 30, fails the whole window unless it is told to be null.
spark.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
spark.conf.set("spark.sql.shuffle.partitions", sc.defaultParallelism.toString)
