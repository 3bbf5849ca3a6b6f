"""`provision creds`: a thing's MQTT credentials, obtained once and cached."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from netpie_creds import (
    Application,
    Credentials,
    Refreshed,
    Revoked,
    cache_path,
    get_credentials,
    kept_cache,
    mqtt_login,
    read_cache,
)
from netpie_creds import refresh as refresh_thing
from netpie_creds import revoke as revoke_thing
from netpie_creds.errors import CacheError
from provision.console import Console
from provision.options.application import ApplicationOptions, application_options
from provision.options.output import json_option
from provision.sync.seen_secrets import remember

HIDDEN = "(hidden; --secrets shows it)"

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
    app = application.application()
    folder = application.cache_folder(app.appkey)
    with console.step("Getting credentials"):
        credentials = get_credentials(app, folder, application.auth_server(), alias=alias)
    _print_login(console, credentials, secrets)


@creds.command()
@application_options
@secrets_option
@json_option
@click.pass_obj
def show(console: Console, application: ApplicationOptions, secrets: bool) -> None:
    """Print the cached thing and where it is; contacts nobody, creates nothing."""
    app = application.application()
    folder = application.cache_folder(app.appkey)
    token = read_cache(folder, app.appkey)
    path = kept_cache(folder, app.appkey) or cache_path(folder, app.appkey)
    if token is None:
        raise CacheError(f"{path}: no thing is kept there", next_step="run provision creds get")
    answer = {
        "cache": str(path),
        "appid": app.appid,
        "appkey": app.appkey,
        "token": token.token,
        "endpoint": token.endpoint,
    }
    if secrets:
        answer |= {"secret": token.secret, "revokecode": token.revokecode}
    lines = {
        "Cache": path,
        "AppId": app.appid,
        "AppKey": app.appkey,
        "Token": token.token,
        "Endpoint": token.endpoint or "(not known; provision creds get asks NETPIE for it)",
        "Secret": token.secret if secrets else HIDDEN,
        "RevokeCode": (token.revokecode or "(none is kept)") if secrets else HIDDEN,
    }
    console.result(answer, _lines(lines))


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
    app = application.application()
    folder = application.cache_folder(app.appkey)
    _remember_kept(app, folder)
    with console.step("Renewing credentials"):
        renewed = refresh_thing(app, folder, application.auth_server(), alias=alias)
    if renewed.not_revoked is not None:
        console.say(
            f"warning: the old token is not revoked and may still be used: {renewed.not_revoked.message}; "
            "revoke it on NETPIE's page of the application",
            style="yellow",
        )
    _print_login(console, renewed.credentials, secrets, _about_old(renewed))


@creds.command()
@application_options
@json_option
@click.pass_obj
def revoke(console: Console, application: ApplicationOptions) -> None:
    """Make the kept token invalid and delete its cache."""
    app = application.application()
    folder = application.cache_folder(app.appkey)
    _remember_kept(app, folder)
    with console.step("Revoking"):
        revoked = revoke_thing(app, folder, application.auth_server())
    said = {
        None: f"nothing to revoke: no thing is kept in {folder}",
        Revoked.REVOKED: "revoked; its cache is deleted",
        Revoked.UNKNOWN: "NETPIE did not know the token any more; its cache is deleted",
    }
    console.result({"revoked": revoked is Revoked.REVOKED, "cache": str(folder)}, said[revoked])


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


def _print_login(console: Console, credentials: Credentials, secrets: bool, more: dict[str, Any] | None = None) -> None:
    login = mqtt_login(credentials, at=int(time.time()))
    answer: dict[str, Any] = {
        "host": login.host,
        "port": login.port,
        "client_id": login.client_id,
        "username": login.username,
        **(more or {}),
    }
    if secrets:
        answer["password"] = login.password
    lines = {
        "Host": login.host,
        "Port": login.port,
        "ClientId": login.client_id,
        "Username": login.username,
        "Password": login.password if secrets else HIDDEN,
    }
    console.result(answer, _lines(lines))


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in values.items())
