# Set-up is incremental: each stamp depends on what decides the installed packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
# Test processes: which test goes to which is in tests/conftest.py. nproc counts
# OMP_NUM_THREADS where that is set; test processes are not its threads.
PYTEST_ARGS ?= --numprocesses $(shell env -u OMP_NUM_THREADS nproc) \
	--dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench constraints clean distclean

help:
	@echo "make demo    the whole loop, simulation to ROS 2 and back, into runs/demo"
	@echo "make test    every test"
	@echo "make check   lint, format and types"
	@echo "make bench   every measurement, into runs/bench"
	@echo "make format  put the code into the project's format"
	@echo "make clean   remove what the commands wrote; distclean also .venv"

demo: $(VENV)/.all
	$(RUN) forearm demo --out runs/demo

test: $(VENV)/.dev
	$(RUN) python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: $(VENV)/.dev
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: $(VENV)/.all
	mkdir -p runs/bench
	$(RUN) forearm bench sim --json runs/bench/sim.json
	$(RUN) forearm bench control --json runs/bench/control.json

constraints: $(VENV)/.dev
	$(BIN)/python .ci/constraints.py > constraints.txt.new
	mv constraints.txt.new constraints.txt

clean:
	rm -rf runs build dist forearm.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# The interpreter is made once and kept; packages follow the two files.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "forearm needs Python 3.11 or newer, $(PYTHON) is missing or older;" \
			"try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "cannot make $(VENV); on Debian: apt-get install python3-venv" >&2; exit 2; }

# Byte code of what is never imported would cost half of the time.
$(VENV)/.all: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing forearm[all] into $(VENV): a few minutes the first time"
	@$(PIP) install --no-compile --constraint constraints.txt --editable ".[all]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing forearm[all,dev] into $(VENV): a few minutes the first time"
	@$(PIP) install --no-compile --constraint constraints.txt --editable ".[all,dev]"
	@touch $(VENV)/.all $@
