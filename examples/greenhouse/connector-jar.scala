import netpie.spark._
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")
