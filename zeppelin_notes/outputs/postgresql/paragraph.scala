outputs.to("postgresql", new Postgresql(
  new org.postgresql.Driver,
  url={{ postgresql_url | scala }},
  table={{ postgresql_table | scala }},
  keys={{ event_keys | scala }},
  user={{ postgresql_user | scala }},
  password={{ postgresql_password | scala }}))
