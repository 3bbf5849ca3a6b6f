package netpie.spark

import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical.Aggregate

object Aggregates {
  /** The aggregate functions that a plan computes. */
  def functions(split: Aggregate): Seq[AggregateExpression] =
    split.aggregateExpressions.flatMap(_.collect { case function: AggregateExpression => function })
}
