val query = """
{{ event_query | sql_text }}
"""

spark.sql(query).printSchema
spark.conf.set("netpie.query", query)
println(lineStream60.explain(query))
