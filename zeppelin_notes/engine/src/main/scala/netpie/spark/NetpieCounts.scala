package netpie.spark

import java.io.{ByteArrayOutputStream, ObjectOutputStream}
import java.lang.invoke.{MethodHandles, MethodType}
import java.lang.reflect.{InvocationHandler, Method, Proxy}
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import scala.util.control.NonFatal
import com.codahale.metrics.{Gauge, MetricRegistry}
import org.apache.spark.SparkEnv
import org.apache.spark.scheduler.{AccumulableInfo, SparkListener}
import org.apache.spark.scheduler.{SparkListenerExecutorMetricsUpdate, SparkListenerTaskEnd}
import org.apache.spark.streaming.{StreamingContext, StreamingContextState}

/** What the receivers of a stream have counted: received, stored, acknowledged, reconnects, and of the stored messages
  * those that may be there twice: sent before by the broker, or from the journal. In the driver these are made of
  * what the executors' heartbeats bring (each 10 s, `spark.executor.heartbeatInterval`), a sum over all receivers that ever
  * ran; a receiver gets its part as `forReceivers`. They are kept as text in the system property netpie.mqtt.stream.ID, as a
  * class that is typed into a note a second time is another, and shown among Spark's metrics (/metrics/json of its page). */
final class NetpieCounts(ssc: StreamingContext) extends SparkListener {
  private val names = Array("received", "stored", "acknowledged", "reconnects", "redelivered")
  private val accumulators = names.map(name => ssc.sparkContext.longAccumulator("netpie " + name))
  private val latest = new ConcurrentHashMap[(Long, Long), Long]
  private val owner = UUID.randomUUID.toString
  private var property = ""

  /** The accumulators as an executor is to get them: Spark takes part in this serialization. */
  def forReceivers: Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    val out = new ObjectOutputStream(bytes)
    out.writeObject(accumulators)
    out.close()
    bytes.toByteArray
  }

  /** From now on these are the counts of the stream `id`. */
  def countFor(id: Int): Unit = {
    property = "netpie.mqtt.stream." + id
    alone {
      System.clearProperty(property)
      System.setProperty(property + ".owner", owner)
      withMetrics { (metrics, kind) =>
        metrics.getClass.getMethod("removeSource", kind).invoke(metrics, source(kind, id))
        metrics.getClass.getMethod("registerSource", kind).invoke(metrics, source(kind, id))
      }
    }
    ssc.sparkContext.addSparkListener(this)
  }

  private def number(name: Int): Long = {
    var sum = 0L
    latest.forEach(new java.util.function.BiConsumer[(Long, Long), Long] {
      override def accept(key: (Long, Long), count: Long): Unit = if (key._2 == accumulators(name).id) sum += count
    })
    sum
  }

  override def onExecutorMetricsUpdate(event: SparkListenerExecutorMetricsUpdate): Unit = {
    for (update <- event.accumUpdates) take(update._1, update._4)
    if (ssc.getState() == StreamingContextState.STOPPED) leave()
  }

  override def onTaskEnd(event: SparkListenerTaskEnd): Unit =
    if (event.taskInfo != null) take(event.taskInfo.taskId, event.taskInfo.accumulables)

  private def take(task: Long, counts: Iterable[AccumulableInfo]): Unit = {
    val ours = for (info <- counts; count <- info.update if accumulators.exists(_.id == info.id)) yield info.id -> count
    for ((id, count) <- ours) latest.put((task, id), count.asInstanceOf[Long])
    alone(if (ours.nonEmpty && isOwner)
      System.setProperty(property, names.indices.map(i => names(i) + "=" + number(i)).mkString(" ")))
  }

  /** One stream takes an id while no other that had it leaves; the context is what they have in common. */
  private def alone(act: => Unit): Unit = ssc.sparkContext.synchronized(act)

  /** Whether no later stream has taken the id. */
  private def isOwner: Boolean = System.getProperty(property + ".owner") == owner

  private def leave(): Unit = {
    ssc.sparkContext.removeSparkListener(this)
    alone(if (isOwner) withMetrics { (metrics, kind) =>
      metrics.getClass.getMethod("removeSource", kind).invoke(metrics, source(kind, property.split('.').last.toInt))
    })
  }

  // Spark 2.4 has no public way to add to its metrics, and later ones none to take away again. These methods are there, by
  // these names, from 2.4 to 4.x; without them only the metrics are missing.
  private def withMetrics(use: (Object, Class[_]) => Unit): Unit =
    try {
      // Class.getMethod loads what all methods name, and Spark 4.3 from PyPI has not all of that.
      val made = MethodType.methodType(Class.forName("org.apache.spark.metrics.MetricsSystem"))
      val getter = MethodHandles.publicLookup.findVirtual(classOf[SparkEnv], "metricsSystem", made)
      val metrics = getter.invokeWithArguments(SparkEnv.get)
      use(metrics, Class.forName("org.apache.spark.metrics.source.Source"))
    } catch {
      case problem @ (NonFatal(_) | _: LinkageError) =>
        org.slf4j.LoggerFactory.getLogger("netpie.mqtt").warn("no metrics: " + problem)
    }

  private def source(kind: Class[_], id: Int): Object = {
    val registry = new MetricRegistry
    for (i <- names.indices) registry.register(names(i), new Gauge[Long] { override def getValue: Long = number(i) })
    Proxy.newProxyInstance(kind.getClassLoader, Array[Class[_]](kind), new InvocationHandler {
      override def invoke(proxy: Object, method: Method, arguments: Array[Object]): Object = method.getName match {
        case "sourceName" => "netpie." + id + ".mqtt"
        case "metricRegistry" => registry
        case "equals" => java.lang.Boolean.valueOf(proxy eq arguments(0))
        case "hashCode" => Integer.valueOf(id)
        case _ => "netpie." + id
      }
    })
  }
}
