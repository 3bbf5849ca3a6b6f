class Messages:
    """What is subscribed to, with the options of pyspark-mqtt. `login` makes user and password at each connect."""

    def __init__(self, options, login=None):
        self.options = {name: value for name, value in options.items() if value != ""}
        self.login, self.stop = login, lambda: None
        self.counted = counted_by_source  # of the query's progress
        self.needs_journal = not hasattr(spark, "dataSource") or int(self.options.get("mqtt.qos", 0)) > 0

    def frame(self, journal, fields, clock_first=False):
        """The messages as they come, and last a row without a topic for each batch, which tells when it is triggered. Where there are
        `fields`, the column json has them, as far as they can be read in bulk. `clock_first`: that row comes first."""
        options = dict(self.options, **({"journalLocation": journal} if journal else {}), **({"jsonSchema": fields} if fields else {}))
        ticks = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).option("numPartitions", 1).load()
        no = lambda kind, name: f"cast(null as {kind}) as {name}"
        tick = ticks.selectExpr(no("binary", "value"), no("string", "topic"), no("timestamp", "timestamp"), "current_timestamp() as triggered")
        messages = self._messages(options)
        rows = messages.selectExpr("value", "topic", "timestamp", no("timestamp", "triggered"), *(["json"] if fields else []))
        first, second = (tick, rows) if clock_first else (rows, tick)
        return first.unionByName(second, allowMissingColumns=True)

    def _messages(self, options):
        if hasattr(spark, "dataSource"):
            source = pyspark_mqtt.MqttDataSource
            spark.dataSource.register(source.with_login(self.login) if self.login else source)
            return spark.readStream.format("mqtt").options(**options).load()
        running = pyspark_mqtt.mqtt_stream(spark, options, self.login)
        self.stop = running.stop
        self.counted = lambda progress: running.metrics().as_dict()  # to Spark it is a folder of files
        return running.frame
