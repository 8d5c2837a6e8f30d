# Two commands: `make demo` shows Tieout at work, `make test` proves it. Both prepare all they need by themselves.
.PHONY: demo test lint types shape unit setup setup-dev clean
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

demo: setup
	@$(BIN)/tieout demo $(ARGS)

test: setup-dev lint shape types unit

setup:
	@$(PYTHON) requirements/install.py run

setup-dev:
	@$(PYTHON) requirements/install.py dev

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

shape: setup-dev
	$(BIN)/lint-imports --no-cache

types: setup-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/node/node_modules/.bin/pyright --pythonpath $(BIN)/python

unit: setup-dev
	$(BIN)/python -m pytest $(ARGS)

clean:
	rm -rf .venv .tieout tests/node/node_modules
