select window_end, device, temperature from averages order by window_end, device
