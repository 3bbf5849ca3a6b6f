ssc.start
ssc.awaitTermination
