"""One TOML file for each device."""
