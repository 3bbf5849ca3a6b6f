{{ when broker_tls = own }}import os
{{ when broker_tls = own }}import tempfile
{{ when broker_login = netpie }}import base64
{{ when broker_login = netpie }}import hashlib
{{ when broker_login = netpie }}import hmac
{{ when broker_login = netpie }}import time

{{ when broker_login = netpie }}THING, KEY, APPKEY = {{ client_id | python }}, {{ hmac_key | python }}, {{ appkey | python }}


{{ when broker_login = netpie }}def netpie_login(thing=THING, key=KEY, appkey=APPKEY):
{{ when broker_login = netpie }}    """User and password of NETPIE 2015, computed at each connect."""
{{ when broker_login = netpie }}    user = f"{appkey}%{int(time.time())}"
{{ when broker_login = netpie }}    signed = hmac.new(key.encode(), f"{thing}%{user}".encode(), hashlib.sha1).digest()
{{ when broker_login = netpie }}    return user, base64.b64encode(signed).decode()


{{ when broker_login = password }}USER, PASSWORD = {{ username | python }}, {{ password | python }}

{{ when broker_tls = own }}CERTIFICATES = tempfile.TemporaryDirectory()  # this user's alone; removed when Python ends


{{ when broker_tls = own }}def pem_file(name, text, folder=CERTIFICATES.name):
{{ when broker_tls = own }}    """The file of a PEM text, as the source wants it; empty without a text."""
{{ when broker_tls = own }}    path = os.path.join(folder, name)
{{ when broker_tls = own }}    with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
{{ when broker_tls = own }}        file.write(text)
{{ when broker_tls = own }}    return path if text else ""


messages = Messages(
    {
        "mqtt.broker.url": {{ broker_url | python }},
        "subscribe": ",".join({{ mqtt_topics | python }}),
{{ when broker_login = netpie }}        "mqtt.client.id": THING,
{{ when broker_login = password }}        "mqtt.client.id": {{ client_id | python }},
{{ when broker_login = none }}        "mqtt.client.id": {{ broker_client_id | python }},
{{ when broker_tls = java }}        "mqtt.ssl.ca": {{ broker_ca | python }},
{{ when broker_tls = own }}        "mqtt.ssl.ca": pem_file("ca.pem", {{ ca | python }}) or {{ broker_ca | python }},
{{ when broker_tls = own }}        "mqtt.ssl.cert": pem_file("client.pem", {{ certificate | python }}),
{{ when broker_tls = own }}        "mqtt.ssl.key": pem_file("client.key", {{ private_key | python }}),
        "mqtt.qos": {{ qos | python }},
{{ when show_topics = no }}        "showTopics": "false",
{{ when mqtt_version = 5 }}        "mqtt.version": {{ mqtt_version | python }},
{{ when mqtt_version = 5 }}        "mqtt.receive.maximum": {{ receive_maximum | python }},
{{ when mqtt_version = 5 }}        "mqtt.session.expiry": {{ session_expiry | python }},
    },
{{ when broker_login = netpie }}    login=netpie_login,
{{ when broker_login = password }}    login=lambda user=USER, password=PASSWORD: (user, password),
)
