windows = Windows(
    window={{ window | python }},
    slide={{ slide | python }},
    batch={{ batch | python }},  # 0: a slide
    by={{ by | python }},
{{ when by = event }}    lateness={{ lateness | python }},
    state={{ state | python }},
    keep={{ session | python }} == "persistent",
    topics={{ topic_column | python }} == "yes",
)
