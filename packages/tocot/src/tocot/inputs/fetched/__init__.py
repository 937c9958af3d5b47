"""Our data files from the published ones, as `tocot data fetch` brings them."""
