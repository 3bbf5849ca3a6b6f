{{ when topic_column = no }}@transient val lineStream = NetpieMqtt.createStream(ssc,
{{ when topic_column = yes }}@transient val lineStream = NetpieMqtt.createTopicStream(ssc,
                 brokerUrl={{ broker_url | scala }},
                 topics={{ mqtt_topics | scala }},
{{ when broker_login = netpie }}                 clientId={{ client_id | scala }},
{{ when broker_login = netpie }}                 login=NetpieMqtt.signed({{ appkey | scala }}, {{ hmac_key | scala }}),
{{ when broker_login = password }}                 clientId={{ client_id | scala }},
{{ when broker_login = password }}                 login=NetpieMqtt.fixed(username={{ username | scala }}, password={{ password | scala }}),
{{ when broker_login = none }}                 clientId={{ broker_client_id | scala }},
{{ when broker_login = password, none }}                 receivers={{ receivers | scala }},
{{ when broker_login = password, none }}                 sharing={{ sharing | scala }},
                 caFile={{ broker_ca | scala }},
                 qos={{ qos | scala }},
                 cleanSession={{ clean_session | scala }},
                 journal={{ journal | scala }},
                 slide=Seconds({{ slide | scala }}),
                 storageLevel=if (sc.isLocal) StorageLevel.MEMORY_AND_DISK_SER else StorageLevel.MEMORY_AND_DISK_SER_2)
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")
