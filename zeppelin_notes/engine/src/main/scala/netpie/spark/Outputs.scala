package netpie.spark

import java.nio.channels.{FileChannel, FileLock, OverlappingFileLockException}
import java.nio.file.{Files, Path, Paths, StandardOpenOption}
import com.fasterxml.jackson.databind.ObjectMapper
import org.apache.spark.SparkContext
import org.apache.spark.sql.DataFrame
import org.apache.spark.streaming.Time

/** The outputs of a note, whose windows wait in `folder` until they are delivered; `Outputs.in` makes them. */
final class Outputs(folder: Path, keep: Boolean, context: () => SparkContext) extends AutoCloseable {
  Files.createDirectories(folder)
  private val locked = Outputs.lock(folder)
  private var functions = Map.empty[String, (DataFrame, Time) => Unit]
  private var deliveries = Map.empty[String, Delivery]
  private var said = false
  private var known = false

  /** Gives windows to this output too, in place of the one of that name. */
  def to(name: String, output: Output): Unit = {
    without(name)
    synchronized { deliveries += name -> new Delivery(name, output, folder.resolve(name)) }
  }

  /** Gives each window's rows to a function, for which the stream waits. */
  def to(name: String)(use: (DataFrame, Time) => Unit): Unit = {
    without(name)
    synchronized { functions += name -> use }
  }

  /** Gives windows to this output no more. */
  def without(name: String): Unit = {
    val gone = synchronized { deliveries.get(name) }
    gone.foreach(_.close())
    synchronized {
      functions -= name
      deliveries -= name
    }
  }

  /** Gives them the rows of the window that ended at `time`. One that fails stops no other; what a function throws is thrown
    * when all have had it. */
  def apply(rows: DataFrame, time: Time): Unit = {
    val (now, later) = synchronized { (functions.values.toList, deliveries.nonEmpty) }
    val problems = now.flatMap(use => try { use(rows, time); None } catch { case problem: Exception => Some(problem) })
    if (later) put(OutputWindows.of(rows, time.milliseconds))
    tellSpark()
    problems.headOption.foreach(throw _)
  }

  /** Has every output that writes windows take this one, sooner or later. */
  def put(window: OutputWindow): Unit = {
    val all = synchronized { deliveries.values.toList }
    if (!known) forgetOthers(all)
    val json = OutputWindows.toJson(window)
    all.foreach(_.put(window.end, json, keep))
  }

  def states: List[DeliveryState] = synchronized { deliveries.values.toList }.map(_.state).sortBy(_.name)

  /** Gives windows to no output any more; what waits stays on the disk for the next run. */
  override def close(): Unit = {
    synchronized { (deliveries.keys ++ functions.keys).toList }.foreach(without)
    locked.channel.close()
  }

  /** Deletes what waits for outputs that the note no longer has. */
  private def forgetOthers(mine: List[Delivery]): Unit = {
    def delete(file: java.io.File): Unit = {
      Option(file.listFiles).toList.flatten.foreach(delete)
      file.delete()
    }
    for (one <- Option(folder.toFile.listFiles).toList.flatten if one.isDirectory && !mine.exists(_.output == one.getName)) delete(one)
    known = true
  }

  /** Spark's page has no place for words but in the description of a job. */
  private def tellSpark(): Unit = {
    val failing = states.filter(_.reason.nonEmpty)
    if (failing.nonEmpty || said) {
      said = failing.nonEmpty
      val json = new ObjectMapper
      val told = json.createArrayNode
      for (state <- failing)
        told.addObject.put("name", state.name).put("waiting", state.waiting).put("since", state.since).put("reason", state.reason)
      val sc = context()
      val before = sc.getLocalProperty("spark.job.description")
      sc.setJobDescription("outputs: " + json.writeValueAsString(told))
      try sc.parallelize(Seq(0), 1).count finally sc.setJobDescription(before)
    }
  }
}

object Outputs {
  private val place = "netpie.outputs"

  /** The outputs of this run of the note, in place of those of the run before. `keep`: what waits outlives a power cut. */
  def in(folder: String, keep: Boolean): Outputs = {
    // by a name that outlives the shell's classes
    System.getProperties.get(place) match {
      case before: AutoCloseable => before.close()
      case _ =>
    }
    val made = new Outputs(Paths.get(folder), keep, () => SparkInternals.noteSession.sparkContext)
    System.getProperties.put(place, made)
    Results.about("outputs")(made.states.mkString("\n"))
    made
  }

  /** Holds the folder for this process: two that deliver the same windows would deliver them twice. */
  def lock(folder: Path): FileLock = {
    val file = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)
    val patience = System.currentTimeMillis + 30000
    def held: Option[FileLock] = try Option(file.tryLock()) catch { case _: OverlappingFileLockException => None }
    var found = held
    while (found.isEmpty && System.currentTimeMillis < patience) {
      Thread.sleep(200)
      found = held
    }
    found.getOrElse {
      file.close()
      throw new IllegalStateException(folder + ": another run of this note still delivers windows: stop it")
    }
  }
}
