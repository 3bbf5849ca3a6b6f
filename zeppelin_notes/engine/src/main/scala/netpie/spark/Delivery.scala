package netpie.spark

import java.nio.file.Path
import java.util.concurrent.Semaphore

/** Takes windows. */
trait Output {
  /** Takes one; throws for one that is to be given again. A window that it has had takes that one's place. */
  def write(window: OutputWindow): Unit
  def close(): Unit = ()
}

/** How an output does: `waiting` windows from `oldest` on (ms since 1970), `reason` why it fails, empty for none, `since`. */
final class DeliveryState(
    val name: String, val delivered: Long, val waiting: Int, val oldest: Long, val since: Long, val reason: String, val dropped: Long) {
  override def toString: String = {
    def at(time: Long) = OutputWindows.iso(time / 1000 * 1000000)
    val fails = if (reason.isEmpty) "" else "; FAILS since " + at(since) + ": " + reason +
      (if (waiting == 0) "" else "; " + waiting + " wait, from " + at(oldest) + " on")
    val lost = if (dropped == 0) "" else "; " + dropped + " dropped, as too many waited"
    "output " + name + ": " + delivered + " windows" + fails + lost
  }
}

/** Takes an output's windows to it, in order, beside the stream: what fails is tried again until it succeeds. Windows wait in
  * `folder`, where they outlive the process; the oldest gives way where too many do. */
final class Delivery(val output: String, to: Output, folder: Path) extends Thread("output " + output) {
  private val (most, mostBytes) = (8640, 256L * 1024 * 1024)
  private val (shortest, longest) = (500L, 10000L) // ms between one attempt and the next
  private val files = new LocalFiles(folder)
  private val added = new Semaphore(0)
  @volatile private var closed = false
  private var delivered, dropped, since = 0L
  private var reason = ""
  setDaemon(true)
  start()

  /** Delivers a window, which is written as JSON; `synced`: after a power cut too. */
  def put(end: Long, json: Array[Byte], synced: Boolean): Unit = {
    files.replace(name(end), json, synced)
    synchronized {
      var all = waiting
      var bytes = all.map(size).sum
      while (all.size > 1 && (all.size > most || bytes > mostBytes)) {
        bytes -= size(all.head)
        files.remove(name(all.head))
        dropped += 1
        all = all.tail
      }
    }
    added.release()
  }

  override def run(): Unit = {
    var pause = shortest
    while (!closed) waiting.headOption match {
      case None =>
        added.acquire()
        added.drainPermits()
      case Some(end) =>
        if (isDelivered(end)) pause = shortest
        else {
          val wake = System.currentTimeMillis + pause
          while (!closed && System.currentTimeMillis < wake) Thread.sleep(50)
          pause = math.min(2 * pause, longest)
        }
    }
    to.close()
  }

  private def isDelivered(end: Long): Boolean =
    try {
      val window = try Some(OutputWindows.fromJson(files.read(name(end)))) catch { case _: IllegalArgumentException => None }
      window.foreach(to.write)
      files.remove(name(end))
      synchronized {
        if (window.isEmpty) dropped += 1 else delivered += 1
        since = 0
        reason = ""
      }
      true
    } catch {
      // an output's driver may be of another version than its class expects, which is an Error
      case problem @ (_: Exception | _: LinkageError) => synchronized {
        if (since == 0) since = System.currentTimeMillis
        reason = Option(problem.getMessage).filter(_.trim.nonEmpty).getOrElse(problem.getClass.getSimpleName).trim.split("\n").head.take(300)
        false
      }
    }

  def state: DeliveryState = synchronized {
    val all = waiting
    new DeliveryState(output, delivered, all.size, all.headOption.getOrElse(0L), since, reason, dropped)
  }

  /** Ends, once the window that is under way is done; what waits stays on the disk. */
  def close(): Unit = {
    closed = true
    added.release()
    join(15000)
  }

  /** The ends of the windows that wait, the oldest first. */
  private def waiting: List[Long] = Option(folder.toFile.list).toList.flatten
    .filter(name => name.endsWith(".json") && !name.startsWith(".")).map(_.stripSuffix(".json").toLong).sorted

  private def name(end: Long): String = "%015d.json".format(end)

  private def size(end: Long): Long = folder.resolve(name(end)).toFile.length // 0 for one that was delivered meanwhile
}
