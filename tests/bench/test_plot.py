"""The drawing has every probe, and tells those that fell behind."""

import xml.etree.ElementTree as xml

from bench.plot import svg

RESULT = {
    "slide_s": 10,
    "probes": {
        "ours": [
            {"rate": 20_000, "processing_s": 2.5, "kept_up": True},
            {"rate": 60_000, "processing_s": 9.0, "kept_up": False},
        ],
        "baseline": [{"rate": 800, "processing_s": 7.0, "kept_up": True}],
    },
}


def test_every_probe_is_a_mark_hollow_where_a_side_fell_behind() -> None:
    root = xml.fromstring(svg(RESULT))
    marks = [each for each in root.iter() if each.tag.endswith("circle")]
    assert len(marks) == 3
    assert [mark.get("fill") == "white" for mark in marks] == [False, True, False]
    heights = [float(str(mark.get("cy"))) for mark in marks]
    assert heights[1] < heights[2] < heights[0]
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert "80% of the slide" in texts
    assert {"1,000", "10,000", "100,000"} <= set(texts)
