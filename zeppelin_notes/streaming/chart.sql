select * from averages order by window_end
