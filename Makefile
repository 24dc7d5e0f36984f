PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help venv setup demo test fuzz schema lint types docs pictures bench dist clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.venv/installed: pyproject.toml
	scripts/venv .venv
	@touch $@

venv: .venv/installed  ## make .venv with the project and its tools

setup: venv  ## see to a virtual environment, a Docker daemon and the images to build from
	@scripts/daemon
	@scripts/base-images

demo: setup  ## build the sample project twice against a throw-away registry
	@scripts/demo

test: setup  ## run all tests
	-@command -v docker-registry >/dev/null || scripts/apt-install docker-registry
	-@command -v htpasswd >/dev/null || scripts/apt-install apache2-utils
	$(BIN)/pytest

fuzz: venv  ## try 10,000 odd files
	IMAGETASKS_FUZZ=10000 $(BIN)/pytest tests/unit/test_config_fuzz.py

schema: venv  ## make schema/devspace.schema.json anew
	$(BIN)/doit schema

lint: venv  ## check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: venv  ## check the types
	$(BIN)/mypy

docs: venv  ## make the documentation's site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pictures: setup  ## make the documentation's pictures anew (needs tmux, Chromium and docker-registry)
	$(BIN)/python -m scripts.pictures

bench: setup  ## measure loading, and builds with and without something to do (takes minutes)
	$(BIN)/python bench/load.py
	$(BIN)/python bench/run.py

dist: venv  ## build the wheel and the source distribution
	$(BIN)/python -m build --no-isolation

clean:  ## remove what the targets above made
	scripts/registry stop
	rm -rf .venv build dist sample-project/.devspace .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find imagetasks tests bench -name __pycache__ -exec rm -rf {} +
