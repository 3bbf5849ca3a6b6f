"""The type of options that are a duration."""

from typing import Any

import click

from provision.bundles.values.durations import seconds_of

SHORTEST, MOST = 1e-6, 1e9  # seconds


class Duration(click.FloatRange):
    """Seconds, as a number or with a unit: 300, 10s, 5m, 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = seconds_of(value) if isinstance(value, str) else value
        if seconds is None:
            self.fail(f"{value!r} is no duration such as 300, 10s, 5m or 1h", param, ctx)
        return super().convert(seconds, param, ctx)

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()
