"""The emulated NETPIE 2020 of a demo: two devices of a group, the note's and the publisher's."""

import contextlib
from types import SimpleNamespace

from provision import demo
from provision.embedded.processes import MARK
from provision.publisher import Publisher


def test_demo_s_publisher_reaches_the_note_s_device(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.setenv("NETPIE_TOKEN", "of something else")
    with contextlib.ExitStack() as cleanup:
        events = demo._SOURCES["netpie2020"](SimpleNamespace(mark=MARK, logs=tmp_path), cleanup)
        note, sender = events.account(demo.NOTE), events.account(demo.PUBLISHER).sender("metrics")
        assert note.client().reachable("nothing was written").devices[0].scope == "P0/G0"
        assert note.devices[0].client_id != events.account(demo.PUBLISHER).devices[0].client_id
        with Publisher(sender.login, sender.topic, link=sender.link) as publisher:
            publisher.publish([b"{}"])
            assert publisher.flush(60) == 0
        name, file, *_ = events.publisher_options()
        assert (name, oct((tmp_path / file).stat().st_mode)[-3:]) == ("--credentials-file", "600")
        demo.check(demo.Demo("streaming", 1, platform="netpie2020"))
