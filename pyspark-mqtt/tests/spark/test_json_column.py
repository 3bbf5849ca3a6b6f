"""`jsonSchema` on a real Spark: what the column `json` has is what `from_json` makes of the same messages."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.waiting import wait_for

SCHEMA = "id string, at timestamp, x double, n bigint, i int, ok boolean"
MESSAGES = 4000

DAYS, CLOCKS = ("2018-10-29", "2016-02-29"), ("02:53:36", "02:53:36.5", "00:00:00.123456")
PLAIN = {
    "id": [r'"a"', r'"ชื่อ \u0e01 \n \ud83d\ude00"', '"}{"', "null"],
    "at": [f'"{day}T{clock}{zone}"' for day in DAYS for clock in CLOCKS for zone in ("Z", "+0700", "-03:30", "+1759")],
    "x": ["1.5", "-0.0", "1e5", "1.7976931348623157e308", "5e-324", "7", "123456789012345678901234567890"],
    "n": ["1", "-9223372036854775808", "null"],
    "i": ["1", "-2147483648", "-0"],
    "ok": ["true", "false"],
    "more": ['{"x": [1, {"n": "}"}]}', r'"\u00ff"', "[[[]]]"],
}
ODD = {
    "id": [r'"\ud800"', "7", "[]", '{"a": 1}', "'a'", '"a\tb"'],
    "at": [f'"2018-{rest}"' for rest in ("02-29T00:00:00Z", "10-29T02:53Z", "10-29T24:00:00Z", "10-29T02:53:60Z")]
    + [f'"2018-10-29T02:53:36{zone}"' for zone in ("+1800", "+1900", "", "z", " UTC")]
    + ['"2018"', '"18-10-29T02:53:36Z"', "1"],
    "x": ["1e400", "NaN", "-Infinity", '"1"', "01", "1."],
    "n": ["9223372036854775808", "1.0", "1e2", "true"],
    "i": ["2147483648"],
    "ok": ['"true"', "1", "TRUE"],
    "more": ["1e999", r'"\xff"', "[[[]]"],
}
FORMS = ["{%s", "%s", "[{%s}]", "{%s,}", "{%s}\n", "{%s}{%s}"]


def message(number: int) -> bytes:
    """An object of the schema, at times nearly one: seldom in one stretch, often in the next."""
    chance = random.Random(number)
    odd = chance.random() < (0.3 if number // 100 % 2 else 0.01)
    names = [name for name in PLAIN if chance.random() < 0.6]
    values = {name: chance.choice(PLAIN[name]) for name in names}
    form = "{%s}"
    if odd:
        name = chance.choice(list(ODD))
        values[name] = chance.choice(ODD[name])
        form = chance.choice([form, form, form, *FORMS])
    return form.replace("%s", ", ".join(f'"{name}": {value}' for name, value in values.items())).encode()


def test_it_has_what_from_json_makes_of_them(spark: Any, tmp_path: Path) -> None:
    from mqtt_support.query import frame

    with delivering(MESSAGES, 1, window=500) as (broker, port):
        broker.payload = message
        given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "jsonSchema": SCHEMA}
        rows = frame(spark, {**given, "journalLocation": str(tmp_path / "journal")})
        alone = f"from_json(cast(value as string), '{SCHEMA}')"
        query = rows.selectExpr("value", "json", f"{alone} as alone").writeStream.format("memory").queryName("js")
        with_rows = query.start()
        try:
            wait_for(lambda: spark.table("js").count() >= MESSAGES)
        finally:
            with_rows.stop()
    assert spark.sql("select json, alone from js where json is not null and not json <=> alone").collect() == []
    read = spark.sql("select count(json) from js").first()[0]
    assert MESSAGES * 0.25 < read < MESSAGES
