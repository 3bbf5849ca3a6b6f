package netpie.spark

import org.apache.spark.sql.{Column, DataFrame}
import org.apache.spark.sql.catalyst.expressions.{Alias, Expression, SubqueryExpression}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical.{Aggregate, LogicalPlan, Project}
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.{DecimalType, StructType}

/** A query as it is put together from parts: `split`, of its plan, groups and aggregates rows of the table at `leaf`. A part
  * has, for some of these rows, the groups (g0, …) and what each aggregate function needs (s: sum, n: count, m: extreme). */
final class Parts(plan: LogicalPlan, split: Aggregate, leaf: LogicalPlan) {
  private val groups = split.groupingExpressions
  private val functions = Aggregates.functions(split)
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

  lazy val schema: StructType = of(SparkInternals.frame(leaf)).schema

  /** The part of a table with the columns of `measure`. */
  def of(table: DataFrame): DataFrame = {
    val rows = SparkInternals.analyzed(table)
    val same = Project(leaf.output.zip(rows.output).map { case (wanted, has) => Alias(has, wanted.name)(exprId = wanted.exprId) }, rows)
    val needed = groups.zip(names).map { case (group, name) => Alias(group, name)() } ++
      functions.zipWithIndex.map { case (function, i) => Alias(function.aggregateFunction.children.head, "c" + i)() }
    val below = split.child.transformUp { case node if node eq leaf => same }
    grouped(SparkInternals.frame(Project(needed, below)), columns.map { case (name, first, _) => first.as(name) })
  }

  /** The part of all that several parts are of. */
  def merged(parts: DataFrame): DataFrame =
    grouped(parts, columns.map { case (name, _, more) => more(col(name)).as(name) })

  /** The query's own rows. */
  def rows(part: DataFrame): DataFrame = {
    val found = SparkInternals.analyzed(part.select(names.map(col) ++ results: _*))
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
    SparkInternals.frame(plan.transform { case node if node eq split => Project(wanted, found) })
  }

  private def grouped(table: DataFrame, sums: Seq[Column]): DataFrame =
    if (names.isEmpty) table.agg(sums.head, sums.tail: _*) else table.groupBy(names.map(col): _*).agg(sums.head, sums.tail: _*)
}

object Parts {
  private val known = Set("count", "sum", "avg", "min", "max")
  private val below = Set("Project", "Filter", "SubqueryAlias", "View")

  /** How to put `query` together, or why its rows can't be had from parts. */
  def of(query: DataFrame, measure: DataFrame): Either[String, Parts] = {
    val plan = SparkInternals.analyzed(query)
    val path = Iterator.iterate(Seq(plan))(_.last.children).takeWhile(_.size == 1).map(_.head).toVector
    val (leaf, table) = (path.last, SparkInternals.analyzed(measure).collectLeaves.head)
    val at = path.lastIndexWhere(_.isInstanceOf[Aggregate])
    val under = path.drop(at + 1).dropRight(1)
    if (leaf.children.nonEmpty || has(plan, _.isInstanceOf[SubqueryExpression])) Left("it reads more than one table")
    else if (!leaf.sameResult(table)) Left("it does not read measure")
    else if (at < 0) Left("it aggregates nothing")
    else {
      val split = path(at).asInstanceOf[Aggregate]
      under.find(node => !below(node.nodeName)).map(node => "it aggregates what a " + node.nodeName + " has made")
        .orElse(Aggregates.functions(split).find(!fits(_)).map(function => function.sql + " needs every row"))
        .orElse(Some("it asks each row for the time or for chance").filter(_ => (split +: under).exists(has(_, changes))))
        .toLeft(new Parts(plan, split, leaf))
    }
  }

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
