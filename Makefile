# Two commands: `make demo` shows Tieout at work, `make test` proves it. Both prepare all they need by themselves.
.PHONY: demo test faults lint types shape unit setup setup-dev bench clean
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# Hundreds of processes are started; without this, where it is set, each compiles some 1,400 modules anew before it begins.
unexport PYTHONDONTWRITEBYTECODE

demo: setup
	@$(BIN)/tieout demo $(ARGS)

test: setup-dev lint shape types unit

# Breaks it on purpose, for up to an hour, and writes docs/fault-report.md; see faults/README.md.
faults: setup-dev
	@$(BIN)/python -m faults $(ARGS)

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

# What fails fast comes first; 5 says that a selection is empty, which happens when ARGS name a path.
unit: setup-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not (slow or tryton or browser)" $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "slow or tryton or browser" $(ARGS) || [ $$? -eq 5 ]

bench: setup-dev
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv .tieout tests/node/node_modules
