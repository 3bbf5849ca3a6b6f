@transient val lineStream = NetpieMqtt.createStream(ssc,
                 brokerUrl={{ broker_url | scala }},
                 topics={{ mqtt_topics | scala }},
                 clientId={{ client_id | scala }},
                 login=NetpieMqtt.signed({{ appkey | scala }}, {{ hmac_key | scala }}),
                 qos={{ qos | scala }},
                 cleanSession={{ clean_session | scala }},
                 storageLevel=if (sc.isLocal) StorageLevel.MEMORY_AND_DISK_SER else StorageLevel.MEMORY_AND_DISK_SER_2)
