val query = """
  select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem)
  from measure
  group by id
  order by ts, id
"""

spark.sql(query).printSchema
spark.conf.set("netpie.query", query)
println(lineStream60.explain(query))
