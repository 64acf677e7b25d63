# Everything a fresh machine needs is Python 3.11+, make and a package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LINTED := $(VENV)/.lint-installed

.PHONY: demo test lint bench fuzz kill soak clean install

install: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(LINTED): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lint]'
	@touch $@

demo: $(STAMP)  ## a supplier reads a gas meter through the hub, on the virtual radio
	@$(BIN)/chub demo

test: $(STAMP)  ## every test that can run here
	$(BIN)/python -m pytest -q -n 2 $(PYTEST_ARGS)

lint: $(LINTED)  ## style, spelling, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## figures, never verdicts
	$(BIN)/python -m benchmarks

FUZZ_SECONDS ?= 60

fuzz: $(STAMP)  ## broken messages: only errors of the language may come out
	$(BIN)/python -m tests.gbcs.fuzz --seconds $(FUZZ_SECONDS)

KILL_POINTS ?= 1000

kill: $(STAMP)  ## an electricity meter killed at random points: every effect once, logs whole
	$(BIN)/python -m tests.esme.kill --points $(KILL_POINTS)

SOAK_DAYS ?= 365

soak: $(STAMP)  ## a year of an electricity meter: sums exact, voltage periods legal, memory flat
	$(BIN)/python -m tests.esme.soak --days $(SOAK_DAYS)

clean:
	rm -rf $(VENV) build dist *.egg-info
