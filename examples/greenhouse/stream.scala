@transient val lineStream = NetpieMqtt.createStream(ssc,
                 brokerUrl={{ broker_url | scala }},
                 topics={{ mqtt_topics | scala }},
                 clientId={{ client_id | scala }},
                 login=NetpieMqtt.signed({{ appkey | scala }}, {{ hmac_key | scala }}),
                 qos=0,
                 slide=Seconds({{ slide | scala }}))
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")
