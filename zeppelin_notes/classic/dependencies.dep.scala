{{ dependencies | z_load }}
