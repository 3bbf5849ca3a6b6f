# The fields of an event, which are the columns of the table "measure": edit them for events of another form, and Query with
# them. For events with temp and humid and no time: fields "temp double, humid double", is_event "temp is not null", time "".
class Columns:
    fields = {{ event_fields | python }}
    # How a field of the type timestamp is written. Times in ISO 8601 and numbers of seconds since 1970 are understood too.
    time_format = "yyyy-MM-dd'T'HH:mm:ssZ"
    # Which rows are events, in SQL; all others are counted as malformed.
    is_event = {{ event_condition | python }}
    # When an event happened, in SQL: "ts", "data.at", "to_timestamp(concat(day, ' ', clock))". It gives a time, a text in
    # ISO 8601, or a number of seconds or milliseconds since 1970. "" where events have no time: then none is late.
    time = {{ event_at | python }}
    # Messages are JSON ("json", "shadow") or lines of CSV ("csv"; "csv_header": the first line has the names).
    payload = {{ payload | python }}
    # Where columns are not the fields of their names: what is read of each event, and in SQL each column over that (`_event`), the
    # event as it came (`_text`), `_topic` and `_arrived`. The fields of a line of CSV are `_1`, `_2`, …, or named.
    read = {{ event_read | python }}
    made = {{ event_made | python }}
