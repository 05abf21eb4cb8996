"""What every test gets: a home of its own, repeatable examples, markers that skip by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

# No time limit for one example (cores are busy), the same examples every time, no database.
settings.register_profile("headstart", deadline=None, derandomize=True, database=None)
settings.load_profile("headstart")

_OPT_IN = {
    "slow": "takes longer than a few seconds",
    "gpu": "needs an NVIDIA GPU with CUDA or TensorRT",
    "hardware": "needs a camera or a microphone",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, why in _OPT_IN.items():
        parser.addoption(
            f"--{name}", action="store_true", help=f"also run the tests marked {name}: {why}"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name, why in _OPT_IN.items():
        if config.getoption(f"--{name}"):
            continue
        skip = pytest.mark.skip(reason=f"{why}; run: make test ARGS=--{name}")
        for item in items:
            if name in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the galleries, caches and settings of whoever runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        yield
