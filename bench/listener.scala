// Prints what each batch cost: its time (epoch ms), events, processing time and scheduling delay (ms).
ssc.addStreamingListener(new org.apache.spark.streaming.scheduler.StreamingListener {
  override def onBatchCompleted(done: org.apache.spark.streaming.scheduler.StreamingListenerBatchCompleted): Unit = {
    val info = done.batchInfo
    Bench.say(Seq("batch", info.batchTime.milliseconds, info.numRecords, info.processingDelay.getOrElse(-1L),
      info.schedulingDelay.getOrElse(-1L)).mkString(" "))
    for (output <- info.outputOperationInfos.values; reason <- output.failureReason)
      Bench.say("failure " + reason.split("\n")(0))
  }
  override def onReceiverStarted(started: org.apache.spark.streaming.scheduler.StreamingListenerReceiverStarted): Unit =
    Bench.say("receiver " + started.receiverInfo.streamId)
})
