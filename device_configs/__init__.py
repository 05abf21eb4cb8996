"""One TOML file for each device; `headstart.runtime.device_config` reads them."""
