@transient val lineStream = NetpieMqtt.createStream(ssc,
                 brokerUrl={{ broker_url | scala }},
                 topics=Seq({{ mqtt_topic | scala }}),
                 clientId={{ client_id | scala }},
                 login=NetpieMqtt.signed({{ appkey | scala }}, {{ hmac_key | scala }}),
                 qos={{ qos | scala }})
