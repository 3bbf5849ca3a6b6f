"""A login with recognisable secrets, and a short way from a bundle's name to a rendered note."""

from provision.bundles.bundle import load_bundle
from provision.bundles.render import RenderedNote, default_path, render
from provision.platforms.netpie2015 import TITLE, Netpie2015
from zeppelin_sdk import ServerVersion

ZEPPELIN_8, ZEPPELIN_9 = ServerVersion(0, 8, 2), ServerVersion(0, 9)

LOGIN = Netpie2015(
    broker_url="tcp://broker.example:1883",
    appkey="AppKey123",
    client_id="TokenOfTheThing",
    username="AppKey123%1540000000",
    password="PasswordOfTheThing=",
    hmac_key="TokenSecret&AppSecret",
)
SECRETS = (LOGIN.client_id, LOGIN.username, LOGIN.password, LOGIN.hmac_key, "TokenSecret", "AppSecret")


def rendered(
    bundle: str,
    *,
    login: Netpie2015 = LOGIN,
    zeppelin: ServerVersion = ZEPPELIN_9,
    scala: str = "2.12",
    path: str | None = None,
    **given: str,
) -> RenderedNote:
    """The bundle for the application `MyApp` with these parameters, given as text."""
    loaded = load_bundle(bundle)
    values = loaded.values({"appid": "MyApp", **given})
    path = path or default_path(loaded, values, TITLE)
    return render(loaded, values, login.connection(values, path), zeppelin=zeppelin, scala=scala, path=path)


def code(note: RenderedNote, key: str) -> str:
    """A paragraph's text without the line that names its interpreter."""
    text = next(paragraph.text for paragraph in note.paragraphs if paragraph.key == key)
    return text.partition("\n")[2]


def interpreters(note: RenderedNote) -> list[str]:
    """The first line of each paragraph."""
    return [paragraph.text.partition("\n")[0] for paragraph in note.paragraphs]
