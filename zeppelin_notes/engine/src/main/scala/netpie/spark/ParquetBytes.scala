package netpie.spark

import java.io.{ByteArrayInputStream, ByteArrayOutputStream}
import org.apache.hadoop.conf.Configuration
import org.apache.parquet.example.data.{Group, GroupWriter}
import org.apache.parquet.hadoop.{ParquetFileReader, ParquetReader, ParquetWriter}
import org.apache.parquet.hadoop.api.{ReadSupport, WriteSupport}
import org.apache.parquet.hadoop.example.GroupReadSupport
import org.apache.parquet.hadoop.metadata.CompressionCodecName
import org.apache.parquet.io.{DelegatingSeekableInputStream, InputFile, OutputFile, PositionOutputStream, SeekableInputStream}
import org.apache.parquet.io.api.RecordConsumer
import org.apache.parquet.schema.MessageType

/** A Parquet file in memory. */
final class ParquetBytes(data: Array[Byte]) extends InputFile {
  override def getLength: Long = data.length

  override def newStream: SeekableInputStream = {
    val stream = new ParquetPosition(data)
    new DelegatingSeekableInputStream(stream) {
      override def getPos: Long = stream.at
      override def seek(to: Long): Unit = stream.at = to
    }
  }

  def schema: MessageType = {
    val reader = ParquetFileReader.open(this)
    try reader.getFooter.getFileMetaData.getSchema finally reader.close()
  }

  def groups: List[Group] = {
    val reader = new ParquetGroupsReader(this).build
    try Iterator.continually(reader.read).takeWhile(_ != null).toList finally reader.close()
  }
}

/** Bytes with a place to read on from. */
final class ParquetPosition(data: Array[Byte]) extends ByteArrayInputStream(data) {
  def at: Long = pos
  def at_=(to: Long): Unit = pos = to.toInt
}

final class ParquetGroupsReader(file: InputFile) extends ParquetReader.Builder[Group](file) {
  override def getReadSupport: ReadSupport[Group] = new GroupReadSupport
}

/** Parquet to memory. */
final class ParquetBytesWriter extends OutputFile {
  val bytes = new ByteArrayOutputStream

  override def create(blockSize: Long): PositionOutputStream = new PositionOutputStream {
    override def getPos: Long = bytes.size
    override def write(one: Int): Unit = bytes.write(one)
    override def write(some: Array[Byte], from: Int, count: Int): Unit = bytes.write(some, from, count)
  }

  override def createOrOverwrite(blockSize: Long): PositionOutputStream = create(blockSize)
  override def supportsBlockSize: Boolean = false
  override def defaultBlockSize: Long = 0
}

/** What parquet-hadoop's own takes is a schema as text, where no column can be called avg(cpu). */
final class ParquetGroupsSupport(schema: MessageType) extends WriteSupport[Group] {
  private var writer: GroupWriter = null
  override def init(configuration: Configuration): WriteSupport.WriteContext =
    new WriteSupport.WriteContext(schema, new java.util.HashMap[String, String])
  override def prepareForWrite(consumer: RecordConsumer): Unit = writer = new GroupWriter(consumer, schema)
  override def write(group: Group): Unit = writer.write(group)
}

final class ParquetGroupsWriter(file: OutputFile, schema: MessageType)
    extends ParquetWriter.Builder[Group, ParquetGroupsWriter](file) {
  override def self: ParquetGroupsWriter = this
  override def getWriteSupport(configuration: Configuration): WriteSupport[Group] = new ParquetGroupsSupport(schema)
}

object ParquetBytes {
  def of(groups: Seq[Group], schema: MessageType): Array[Byte] = {
    val file = new ParquetBytesWriter
    val writer = new ParquetGroupsWriter(file, schema).withConf(new Configuration(false))
      .withCompressionCodec(CompressionCodecName.SNAPPY).build
    try groups.foreach(writer.write) finally writer.close()
    file.bytes.toByteArray
  }
}
