"""Where events come from: a module a platform, found here by its `PLATFORM`; `platform.py` is what each gives."""

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from netpie_creds.load import read_pairs
from provision.errors import UsageError, nearest
from provision.platforms.platform import AccountField, Given, Platform

DEFAULT_PLATFORM = "netpie2015"


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Every platform by its name, the default one first."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    found: dict[str, Platform] = {
        module.PLATFORM.name: module.PLATFORM for module in modules if hasattr(module, "PLATFORM")
    }
    return {DEFAULT_PLATFORM: found[DEFAULT_PLATFORM], **found}


def named_platform(name: str) -> Platform:
    """The platform of that name; raises `UsageError` for none."""
    known = platforms()
    if name not in known:
        raise UsageError(f"no platform {name!r}", next_step=nearest(name, known, f"there are {', '.join(known)}"))
    return known[name]


def platform_of_site(site: Mapping[str, str]) -> Platform:
    """The platform of a note, by what its last apply has noted: nothing of it where that is NETPIE 2015."""
    return named_platform(site.get("platform", DEFAULT_PLATFORM))


def all_fields() -> Mapping[str, AccountField]:
    """Every field of every platform by its name; the first platform that has one tells its option."""
    fields: dict[str, AccountField] = {}
    for platform in platforms().values():
        for each in platform.fields:
            fields.setdefault(each.name, each)
    return fields


def chosen_platform(given: Given, name: str | None = None, noted: str | None = None) -> Platform:
    """The platform that a person means: the one of this `name`, else the one whose account the credentials file or the
    command line names, else the note's `noted` one, else the one of the environment's account, else the one hinted at.

    Raises `UsageError` for an unknown name, and where two platforms are named.
    """
    if name:
        return named_platform(name)
    said = {*_in_file(given), *(field for field, value in given.values.items() if value)}
    by_fields = [platform for platform in platforms().values() if _own_names(platform) & said]
    if len(by_fields) > 1:
        names = " and ".join(platform.name for platform in by_fields)
        raise UsageError(f"what is given is of {names}", next_step="name one with --platform, and leave the rest out")
    if by_fields:
        return by_fields[0]
    if noted:
        return named_platform(noted)
    known = platforms().values()
    in_env = [platform for platform in known if _in_env(platform, given)]
    hinted = [platform for platform in known if _own_names(platform) & given.hints.keys()]
    return [*in_env, *hinted, named_platform(DEFAULT_PLATFORM)][0]


def _own_names(platform: Platform) -> set[str]:
    """The fields that only this platform has."""
    others = {field.name for other in platforms().values() if other.name != platform.name for field in other.fields}
    return {field.name for field in platform.fields if not field.is_server} - others


def _in_env(platform: Platform, given: Given) -> bool:
    own = _own_names(platform)
    return any(field.name in own and field.variable and given.env.get(field.variable) for field in platform.fields)


def _in_file(given: Given) -> set[str]:
    if given.credentials_file is None:
        return set()
    names = {alias: field.name for field in all_fields().values() for alias in (field.name, field.variable) if alias}
    return set(read_pairs(given.credentials_file, names))
