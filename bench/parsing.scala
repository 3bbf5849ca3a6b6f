// Parses events with a time each, in one thread, and says how many a second.
import netpie.spark._
import org.apache.spark.{SparkConf, SparkContext}

object Parsing {
  def main(args: Array[String]): Unit = {
    val conf = new SparkConf().setMaster("local[1]").setAppName("parsing").set("spark.ui.enabled", "false")
    val sc = new SparkContext(conf.set("spark.driver.host", "127.0.0.1").set("spark.driver.bindAddress", "127.0.0.1"))
    val plain = new PlainEvents(Array("ts", "id", "loadavg", "cpu", "mem"), "tsddd".toCharArray, new EventsOf, sc.longAccumulator)
    val lines = for (i <- 0 until 100000) yield {
      val clock = "%02d:%02d:%02d".format(i / 3600 % 24, i / 60 % 60, i % 60)
      "{\"ts\": \"2018-10-29T" + clock + "+0700\", \"id\": \"host-" + i % 100 + "\", \"loadavg\": 0.25, \"cpu\": 12.5, \"mem\": 40.1}"
    }
    val rates = for (round <- 1 to 30) yield {
      val began = System.nanoTime
      require(plain(lines.iterator).size == lines.size)
      lines.size * 1e9 / (System.nanoTime - began)
    }
    println("PARSED " + rates.takeRight(20).sorted.apply(10).toLong)
    sc.stop()
  }
}
