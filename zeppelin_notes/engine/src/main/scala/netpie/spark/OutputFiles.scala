package netpie.spark

import java.io.{ByteArrayOutputStream, File}
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.{Files, Path, Paths, StandardCopyOption, StandardOpenOption}
import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileContext, Options, Path => HadoopPath}
import org.apache.hadoop.io.IOUtils

/** Files by their names below a folder, such as "day=2026-11-26/rows.csv", each there whole or not at all. */
trait OutputFiles {
  /** All of them, in order; what an earlier process has not finished is gone afterwards. */
  def names: List[String]
  /** In bytes. */
  def size(name: String): Long
  def read(name: String): Array[Byte]
  /** Makes it have these bytes, in one step for whoever reads it. */
  def write(name: String, data: Array[Byte]): Unit
  def remove(name: String): Unit
}

/** A folder of this machine's disk. */
final class LocalFiles(folder: Path) extends OutputFiles {
  def names: List[String] = {
    def all(file: File): List[File] =
      if (file.isDirectory) Option(file.listFiles).toList.flatten.sorted.flatMap(all) else List(file).filter(_.isFile)
    val (unfinished, whole) = all(folder.toFile).partition(_.getName.startsWith("."))
    unfinished.foreach(_.delete())
    whole.map(file => folder.relativize(file.toPath).toString.replace('\\', '/')).sorted
  }

  def size(name: String): Long = Files.size(folder.resolve(name))

  def read(name: String): Array[Byte] = Files.readAllBytes(folder.resolve(name))

  def write(name: String, data: Array[Byte]): Unit = replace(name, data, synced = true)

  /** Whole in any case; `synced`: after a power cut too. */
  def replace(name: String, data: Array[Byte], synced: Boolean): Unit = {
    val path = folder.resolve(name)
    // a name that begins so is no file to Spark and others that read a folder
    val unfinished = path.resolveSibling("." + path.getFileName)
    Files.createDirectories(path.getParent)
    val written = FileChannel.open(unfinished, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
    try {
      val bytes = ByteBuffer.wrap(data)
      while (bytes.hasRemaining) written.write(bytes)
      if (synced) written.force(true)
    } finally written.close()
    Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE)
  }

  def remove(name: String): Unit = {
    val path = folder.resolve(name)
    Files.deleteIfExists(path)
    if (path.getParent != folder && path.getParent.toFile.list.isEmpty) Files.delete(path.getParent)
  }
}

/** A folder of a file system that Spark knows: hdfs://…, s3a://… */
final class HadoopFiles(folder: HadoopPath, configuration: Configuration) extends OutputFiles {
  private val system = folder.getFileSystem(configuration)
  private val context = FileContext.getFileContext(folder.toUri, configuration)

  def names: List[String] =
    if (!system.exists(folder)) Nil
    else {
      val root = system.makeQualified(folder).toString.stripSuffix("/") + "/"
      val listed = system.listFiles(folder, true)
      var found = List.empty[String]
      while (listed.hasNext) {
        val path = listed.next.getPath
        if (path.getName.startsWith(".")) system.delete(path, false) else found ::= path.toString.stripPrefix(root)
      }
      found.sorted
    }

  def size(name: String): Long = system.getFileStatus(new HadoopPath(folder, name)).getLen

  def read(name: String): Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    IOUtils.copyBytes(system.open(new HadoopPath(folder, name)), bytes, 65536, true)
    bytes.toByteArray
  }

  def write(name: String, data: Array[Byte]): Unit = {
    val path = new HadoopPath(folder, name)
    val unfinished = new HadoopPath(path.getParent, "." + path.getName)
    val written = system.create(unfinished, true)
    try written.write(data) finally written.close()
    context.rename(unfinished, path, Options.Rename.OVERWRITE)
  }

  def remove(name: String): Unit = system.delete(new HadoopPath(folder, name), false)
}

object OutputFiles {
  /** The files of a folder: a path of this machine's, or a URL. */
  def in(folder: String, configuration: => Configuration): OutputFiles =
    if (folder.startsWith("/")) new LocalFiles(Paths.get(folder)) else new HadoopFiles(new HadoopPath(folder), configuration)
}
