package netpie.spark

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, DataInputStream, DataOutputStream}
import java.nio.charset.StandardCharsets
import java.nio.file.{Files, Path => LocalPath, Paths, StandardCopyOption}
import java.security.MessageDigest
import scala.collection.mutable.ArrayBuffer
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileSystem, Path}
import org.apache.spark.SparkEnv

/** What a receiver has stored in Spark's memory and Spark has not processed, as files: one for each block, written before
  * the block is acknowledged and deleted by the driver once a batch is done that was begun after the block was stored and
  * ends a window. What an earlier run of the stream has left is for the receiver to store again. `folder` may be of any file
  * system that Hadoop knows, and all of Spark's machines have to see it, with clocks that agree to well within a batch. Files
  * reach the operating system, not for sure the disk: they outlive a process, not a power cut. */
final class NetpieJournal(folder: String, clientId: String, run: String) extends Serializable {
  private var written = 0L

  def isOn: Boolean = folder.nonEmpty

  /** Writes messages to a file that does not count yet; its name. */
  def write(topics: Array[String], texts: Array[String]): String = {
    val bytes = new ByteArrayOutputStream
    val out = new DataOutputStream(bytes)
    for (i <- topics.indices; text <- Array(topics(i), texts(i))) {
      val encoded = text.getBytes(StandardCharsets.UTF_8)
      out.writeInt(encoded.length)
      out.write(encoded)
    }
    written += 1
    val name = "writing-" + run + "-" + written
    if (isLocal) {
      Files.createDirectories(local)
      Files.write(local.resolve(name), bytes.toByteArray)
    } else {
      val file = remote.create(path(name), true)
      try file.write(bytes.toByteArray) finally file.close()
    }
    name
  }

  /** The file counts from now on: what is in it has been stored. */
  def keep(name: String): Unit = {
    written += 1
    rename(name, run + "-" + System.currentTimeMillis + "-" + written)
  }

  /** The files of earlier runs, in the order in which they were stored. */
  def left: Array[String] = names.filter(name => !name.startsWith("writing-") && !name.startsWith(run)).sorted

  /** The topics and texts in a file. */
  def read(name: String): Array[(String, String)] = {
    val bytes = if (isLocal) Files.readAllBytes(local.resolve(name)) else {
      val content = new Array[Byte](remote.getFileStatus(path(name)).getLen.toInt)
      val file = remote.open(path(name))
      try file.readFully(content) finally file.close()
      content
    }
    val in = new DataInputStream(new ByteArrayInputStream(bytes))
    def text(): String = {
      val encoded = new Array[Byte](in.readInt())
      in.readFully(encoded)
      new String(encoded, StandardCharsets.UTF_8)
    }
    val found = ArrayBuffer[(String, String)]()
    while (in.available > 0) found += ((text(), text()))
    found.toArray
  }

  /** Deletes what was stored until `millis`, and half a file that an earlier run left. */
  def forget(millis: Long): Unit =
    for (name <- names) {
      val words = name.split("-")
      if (name.startsWith("writing-")) { if (!name.startsWith("writing-" + run)) delete(name) }
      else if (name.startsWith(run) && words(words.length - 2).toLong <= millis) delete(name)
    }

  /** Deletes the folder if nothing is in it. */
  def leave(): Unit = if (names.isEmpty) delete("")

  // Found out once in each JVM, as a Configuration reads files, and blocks come many times a second.
  @transient private lazy val isLocal: Boolean =
    Option(new Path(folder).toUri.getScheme).getOrElse(FileSystem.getDefaultUri(configuration).getScheme) == "file"

  // A client id may be a secret.
  @transient private lazy val own: String = {
    val digest = MessageDigest.getInstance("SHA-256").digest(clientId.getBytes(StandardCharsets.UTF_8))
    ".unprocessed-" + digest.take(8).map("%02x".format(_)).mkString
  }

  @transient private lazy val local: LocalPath = Paths.get(new Path(folder).toUri.getPath, own)

  private def path(name: String): Path = new Path(new Path(folder, own), if (name.isEmpty) "." else name)

  @transient private lazy val remote: FileSystem = path("").getFileSystem(configuration)

  @transient private lazy val configuration: Configuration = {
    val made = new Configuration
    for ((name, value) <- SparkEnv.get.conf.getAll if name.startsWith("spark.hadoop.")) made.set(name.drop(13), value)
    made
  }

  // Hadoop would start a process for each file that it makes in a local folder.
  private def names: Array[String] =
    if (isLocal) Option(local.toFile.list()).getOrElse(Array[String]())
    else if (remote.exists(path(""))) remote.listStatus(path("")).map(_.getPath.getName)
    else Array[String]()

  private def rename(from: String, to: String): Unit =
    if (isLocal) Files.move(local.resolve(from), local.resolve(to), StandardCopyOption.ATOMIC_MOVE)
    else if (!remote.rename(path(from), path(to))) throw new java.io.IOException("no rename to " + path(to))

  private def delete(name: String): Unit =
    if (isLocal) Files.deleteIfExists(local.resolve(name)) else remote.delete(path(name), false)
}
