@transient val outputs = Outputs.in({{ waiting | scala }}, keep = !{{ clean_session | scala }})
Results.table(new Time(0), spark.sql(query))
lineStream60.foreachWindow((rows, time) => outputs(rows, time))
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")
