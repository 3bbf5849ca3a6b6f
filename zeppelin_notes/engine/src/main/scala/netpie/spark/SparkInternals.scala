package netpie.spark

import java.lang.reflect.InvocationTargetException
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{DataFrame, SparkSession}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.QueryExecution
import org.apache.spark.sql.types.StructType

/** Finds every class except those typed into the shell without asking the shell. Spark's code generator looks for classes
  * that exist nowhere; the shell would ask its compiler for them, which is not safe while a paragraph compiles. */
final class PastTheShell(shell: ClassLoader) extends ClassLoader(shell.getParent) {
  override def findClass(name: String): Class[_] =
    if (name.startsWith("$line")) shell.loadClass(name) else throw new ClassNotFoundException(name)
}

/** Parts of Spark that only its own packages may call, under the same names from 2.4 to 4.x. */
object SparkInternals {
  /** The session whose tables the note's SQL sees. The thread's active session may be one that parses events. */
  def noteSession: SparkSession =
    SparkSession.getDefaultSession.getOrElse(throw new IllegalStateException("there is no Spark session"))

  def frame(rows: RDD[InternalRow], schema: StructType, session: SparkSession = noteSession): DataFrame =
    call(session, "internalCreateDataFrame", rows, schema, java.lang.Boolean.FALSE).asInstanceOf[DataFrame]

  def frame(plan: LogicalPlan): DataFrame = {
    val datasets = Class.forName(noteSession.getClass.getPackage.getName + ".Dataset$").getField("MODULE$").get(null)
    call(datasets, "ofRows", noteSession, plan).asInstanceOf[DataFrame]
  }

  def analyzed(frame: DataFrame): LogicalPlan = execution(frame).analyzed

  def rows(frame: DataFrame): RDD[InternalRow] = execution(frame).toRdd

  /** Runs `act` without disturbing the shell's compiler. */
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
