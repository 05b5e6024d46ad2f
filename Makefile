# Every target sets up by itself: `make search` in a fresh clone is enough.
# Needs Python 3.11 or newer with pip and venv, and make. Everything lands in .venv and runs/.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
STUDY ?= quickstart
PROCESSES ?= 2

BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tests run in two processes side by side, as they mostly wait; a file's tests stay together, since
# they share what they set up. PROCESSES=0 runs them in one process, in order.
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile

.PHONY: setup search test faults check static bench docs clean
.DELETE_ON_ERROR:

setup: $(STAMP)

# The stamp is older than pyproject.toml or constraints.txt whenever the set-up must run again.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python found. Install Python 3.11, or name one: make PYTHON=..." >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11. Name a newer one: make PYTHON=..." >&2; exit 2; }
	@echo "Setting up .venv (a minute or two, once)" >&2
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(PIP) install -c constraints.txt hatchling editables
	@set -- .venv/lib/*/site-packages/_editable_impl_kwsearch.pth; \
		test ! -e "$$1" || $(PIP) uninstall --yes kwsearch  # the project's earlier name
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev,docs,postgresql]'
	@touch $@

search: $(STAMP)
	@$(BIN)/kwsearch search $(STUDY)

test: $(STAMP)
	$(PYTEST)

# What kills, starves or damages something on purpose; loops of twenty kills are marked slow.
faults: $(STAMP)
	$(PYTEST) -m "fault and not slow"

check: static test

# Cheap verdicts first: format, lint, types, layers.
static: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	@for script in benchmarks/*.py; do \
		test -e "$$script" || continue; \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

# The reference pages, from the code, and the site, in build/site; a warning is an error.
docs: $(STAMP)
	@$(BIN)/python docs/reference.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
