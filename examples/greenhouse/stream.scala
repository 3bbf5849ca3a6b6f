@transient val lineStream = NetpieMqtt.createStream(ssc,
                 brokerUrl={{ broker_url | scala }},
                 topics={{ mqtt_topics | scala }},
                 clientId={{ client_id | scala }},
                 login=NetpieMqtt.signed({{ appkey | scala }}, {{ hmac_key | scala }}),
                 qos=0,
                 slide=Seconds({{ slide | scala }}))
