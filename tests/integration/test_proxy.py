"""A proxy in the environment: nothing that the stack and the commands say to each other goes there.

All tests of this folder run with it; what they did is looked at here.
"""

import os

import pytest
import requests

from provision.embedded.application import demo_application
from sdk_support.fake_proxy import ForwardingProxy

from .command import done
from .conftest import Embedded

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@pytest.fixture
def application(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    application = demo_application()
    for name in ("appid", "appkey", "appsecret"):
        monkeypatch.setenv(f"NETPIE_{name.upper()}", getattr(application, name))
    monkeypatch.setenv("NETPIE_AUTH", embedded.stack.netpie.auth)


@pytest.mark.usefixtures("application")
def test_the_proxy_of_the_environment_is_asked_for_nothing_on_loopback(
    embedded: Embedded, proxy: ForwardingProxy
) -> None:
    done("up")
    done("apply", "--no-run", "--note", "/proxy/note", "--param", f"mqtt_jars={embedded.stack.runtime.paho_jar}")
    done("publish", "--message", "{}")
    done("status")
    done("list")
    done("remove", "--yes", "/proxy/note")
    assert [asked for asked in proxy.asked if any(name in asked for name in LOOPBACK)] == []

    assert os.environ["http_proxy"] == os.environ["ALL_PROXY"] == f"http://{proxy.address}"
    requests.get("http://elsewhere.example", timeout=5)
    assert proxy.asked[-1] == "GET http://elsewhere.example/"
    proxy.asked.clear()
