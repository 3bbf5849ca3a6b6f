val query = """
  select max(ts) as ts, device, avg(temperature) as temperature, avg(humidity) as humidity,
    sum(if(temperature > {{ too_warm | scala }}, 1, 0)) as too_warm
  from measure
  group by device
  order by ts, device
"""

spark.sql(query).printSchema
spark.conf.set("netpie.query", query)
println(lineStream60.explain(query))
