windows.use(r"""
{{ event_query | sql_text }}
""")
