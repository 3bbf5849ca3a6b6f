"""The MQTT login of a thing. The password is bound to a time, so each connect gets a new one."""

from dataclasses import dataclass, field

from netpie_creds.model import Credentials, sign


@dataclass(frozen=True)
class MqttLogin:
    """What an MQTT client needs to connect: broker, client id, username and password."""

    host: str
    port: int
    client_id: str
    username: str
    password: str = field(repr=False)


def mqtt_login(credentials: Credentials, at: int) -> MqttLogin:
    """Return the MQTT login of `credentials` made at `at` (whole seconds since the epoch).

    client id = token; username = `KEY%EPOCH`; password = base64(HMAC-SHA1(`tokensecret&appsecret`,
    `token%username`)), as in microgear-python's `connect`.
    """
    host, port = credentials.token.broker()
    username = f"{credentials.application.appkey}%{at}"
    return MqttLogin(
        host=host,
        port=port,
        client_id=credentials.token.token,
        username=username,
        password=sign(credentials.hmac_key(), f"{credentials.token.token}%{username}"),
    )
