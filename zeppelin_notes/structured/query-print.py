windows.use("select * from measure limit 10")
