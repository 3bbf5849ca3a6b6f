select * from averages order by 1
