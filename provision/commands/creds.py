"""`provision creds`: a thing's MQTT credentials, obtained once and cached."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from netpie_creds import (
    Application,
    AuthServer,
    Refreshed,
    Revoked,
    get_credentials,
    read_cache,
)
from netpie_creds import refresh as refresh_thing
from netpie_creds import revoke as revoke_thing
from netpie_creds.errors import CacheError
from provision.console import Console
from provision.errors import UsageError
from provision.mqtt.login import Login
from provision.options.application import ApplicationOptions, application_options
from provision.options.output import json_option
from provision.platforms.netpie2015 import ApplicationAccount, ThingClient
from provision.platforms.platform import PlatformAccount
from provision.sync.seen_secrets import remember

NONE = "(none is kept)"
HIDDEN = "(hidden; --secrets shows it)"

_LABELS = {"appid": "AppId", "appkey": "AppKey", "revokecode": "RevokeCode"}

secrets_option = click.option("--secrets", is_flag=True, help="Show the password, token secret and revoke code too.")
alias_option = click.option("--alias", help="A name for a new thing, at most 16 characters.")


@click.group()
def creds() -> None:
    """Get, show, renew or revoke the MQTT credentials of a NETPIE 2015 thing.

    A thing (a "microgear") is made once for an application and kept in microgear-APPKEY.cache, the file that
    NETPIE's own Python client uses: either reads what the other wrote. While the file exists, the existing
    thing is used and NETPIE's auth server is not asked.

    \b
    Tell which application:
      provision creds get --appid APPID --appkey APPKEY --secret-file FILE
      NETPIE_APPID=… NETPIE_APPKEY=… NETPIE_APPSECRET=… provision creds get
      provision creds get --credentials-file netpie.env
    where netpie.env has the three lines appid=…, appkey=…, appsecret=…

    The secret is never an argument: other users of the machine can read those.
    """


@creds.command()
@application_options
@alias_option
@secrets_option
@json_option
@click.pass_obj
def get(console: Console, application: ApplicationOptions, alias: str | None, secrets: bool) -> None:
    """Print what an MQTT client needs, making the thing when there is none.

    Host, Port, ClientId and Username are printed; the password too with --secrets. The password fits this
    Username only: the time is part of it, and each `get` prints a new pair.
    """
    account = application.account()
    with console.step("Getting credentials"):
        if alias is not None:
            get_credentials(*_thing(account), alias=alias)
        login = account.client().login()
    _print_login(console, login, secrets)


@creds.command()
@application_options
@secrets_option
@json_option
@click.pass_obj
def show(console: Console, application: ApplicationOptions, secrets: bool) -> None:
    """Print the cached thing and where it is; contacts nobody, creates nothing."""
    account = application.named()
    answer = account.shown(secrets=secrets)
    hidden = dict.fromkeys(account.shown(secrets=True).keys() - answer.keys(), HIDDEN)
    lines = {**answer, **dict(sorted(hidden.items(), reverse=True))}
    console.result(answer, _lines({_LABELS.get(name, name.capitalize()): text or NONE for name, text in lines.items()}))


@creds.command()
@application_options
@alias_option
@secrets_option
@json_option
@click.pass_obj
def refresh(console: Console, application: ApplicationOptions, alias: str | None, secrets: bool) -> None:
    """Make a new thing, then revoke the old one.

    For a password or a cache file that has got into other hands, or after "token invalid" from the broker.
    When no new thing can be had, the old one stays. An old token that could not be revoked is told on standard error,
    and with --json as "not_revoked": it stays valid until it is revoked on NETPIE's page.
    """
    app, folder, auth = _thing(application.account())
    _remember_kept(app, folder)
    with console.step("Renewing credentials"):
        renewed = refresh_thing(app, folder, auth, alias=alias)
    if renewed.not_revoked is not None:
        console.say(
            f"warning: the old token is not revoked and may still be used: {renewed.not_revoked.message}; "
            "revoke it on NETPIE's page of the application",
            style="yellow",
        )
    _print_login(console, ThingClient(renewed.credentials, folder).login(), secrets, _about_old(renewed))


@creds.command()
@application_options
@json_option
@click.pass_obj
def revoke(console: Console, application: ApplicationOptions) -> None:
    """Make the kept token invalid and delete its cache.

    On platforms other than NETPIE 2015 what is kept is deleted, and stays valid there.
    """
    account = application.account()
    if not isinstance(account, ApplicationAccount):
        said_so = "deleted here; it stays valid where it is from" if account.forget() else "nothing is kept"
        console.result({"revoked": False, "cache": str(account.folder)}, said_so)
        return
    app, folder, auth = _thing(account)
    _remember_kept(app, folder)
    with console.step("Revoking"):
        revoked = revoke_thing(app, folder, auth)
    said = {
        None: f"nothing to revoke: no thing is kept in {folder}",
        Revoked.REVOKED: "revoked; its cache is deleted",
        Revoked.UNKNOWN: "NETPIE did not know the token any more; its cache is deleted",
    }
    console.result({"revoked": revoked is Revoked.REVOKED, "cache": str(folder)}, said[revoked])


def _thing(account: PlatformAccount) -> tuple[Application, Path, AuthServer]:
    """The application, the folder of its thing, and the auth server; raises `UsageError` on another platform."""
    if not isinstance(account, ApplicationAccount):
        raise UsageError(
            f"platform {account.place.platform} makes no new credentials by itself",
            next_step="change them where they are from, and name the new ones: provision creds get",
        )
    return account.application, account.folder, account.auth_server()


def _remember_kept(app: Application, folder: Path) -> None:
    """Know the kept thing's secrets again later: they may stand in notes when nothing keeps them any more."""
    with suppress(CacheError):  # what follows tells it
        token = read_cache(folder, app.appkey)
        remember([app.appsecret, *((token.token, token.secret, token.revokecode) if token else ())])


def _about_old(renewed: Refreshed) -> dict[str, Any]:
    """What `creds refresh --json` says of the old token; `revoked` is null when there was none."""
    if renewed.not_revoked is not None:
        return {"revoked": False, "not_revoked": renewed.not_revoked.message}
    return {"revoked": None if renewed.revoked is None else True}


def _print_login(console: Console, login: Login, secrets: bool, more: dict[str, Any] | None = None) -> None:
    answer: dict[str, Any] = {
        "host": login.host,
        "port": login.port,
        "client_id": login.client_id,
        **({} if login.hides_username and not secrets else {"username": login.username}),
        **(more or {}),
    }
    if secrets:
        answer["password"] = login.password
    lines = {
        "Host": login.host,
        "Port": login.port,
        "ClientId": login.client_id,
        "Username": HIDDEN if login.hides_username and not secrets else login.username,
        "Password": login.password if secrets else HIDDEN,
    }
    console.result(answer, _lines(lines))


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items())
