import netpie.spark._
