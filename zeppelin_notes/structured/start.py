windows.start(messages)
print("The stream runs. Spark's own page:", spark.sparkContext.uiWebUrl or "off")
