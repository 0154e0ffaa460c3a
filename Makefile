# Every target installs what it needs into .venv, from a bare Python (3.11 or newer), and works again on a second run.
# Make prints each command before it runs, so that you see which one takes long.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Where it is set, each program that a test starts would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Print this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

.PHONY: demo
demo: $(VENV)/demo ## Run the example: a search in separate processes, whose results return through a tracker.
	$(BIN)/python examples/hyperparameter_search.py

# Coverage would double the time of these tests, where Hypothesis or another program does most of the work.
UNMEASURED := $(addprefix tests/,benchmarks corpus examples fuzz generators packages properties site typing wire)

.PHONY: test
test: $(VENV)/test typedtrack/report/bundle/report.js ## Run all tests, and the snippets of README.md and docs/. The first half must cover all lines and branches.
	$(BIN)/pytest -n auto --cov $(addprefix --ignore=,$(UNMEASURED))
	$(BIN)/pytest -n auto $(UNMEASURED)

.PHONY: test-integrations
test-integrations: $(VENV)/integrations typedtrack/report/bundle/report.js ## Run the guides on large frameworks (Ax, Dask, DVC, Hugging Face, Keras, Lightning, MLflow, Snakemake), and long studies of Optuna.
	$(BIN)/pytest -n auto tests/integrations/test_ax.py tests/integrations/test_dask_s3.py tests/integrations/test_frameworks.py tests/unit/test_docs.py
	TYPEDTRACK_TEST_TRIALS=500 $(BIN)/pytest tests/integrations -k share_a_study # by 16 processes, on disk, Ceph and Azurite

.PHONY: test-packages
test-packages: $(VENV)/packages ## Build the wheel and the source distribution, and try each extra alone in an empty environment.
	rm -rf build/packages
	$(BIN)/python -m build --outdir build/packages
	TYPEDTRACK_TEST_PACKAGES=build/packages $(BIN)/pytest -n auto tests/packages

# The interpreters of this machine, without $(PYTHON): those of pyenv, then those on PATH.
PYTHONS = $(filter-out %/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'), \
  $(shell PATH="$$(echo $(HOME)/.pyenv/versions/*/bin | tr ' ' ':'):$$PATH"; \
    for minor in 11 12 13 14; do command -v python3.$$minor || true; done))

.PHONY: test-matrix
test-matrix: ## Run the tests that need no server with each other Python, 3.11 to 3.14, that this machine has.
	@for python in $(PYTHONS); do \
	  $(MAKE) --no-print-directory test-version PYTHON=$$python VENV=.venv-$${python##*/} || exit 1; \
	done

.PHONY: test-version
test-version: $(VENV)/test typedtrack/report/bundle/report.js
	$(BIN)/pytest -n auto tests/unit tests/properties tests/faults

.PHONY: report
report: typedtrack/report/bundle/report.js ## Bundle the script of reports with npm, for an editable install; wheels bring it.

typedtrack/report/bundle/report.js: bundle_report.py $(wildcard typedtrack/report/web/*) | $(VENV)/test
	$(BIN)/python bundle_report.py

.PHONY: pictures
pictures: .venv/test typedtrack/report/bundle/report.js ## Draw the pictures of the documentation again; needs Chromium.
	$(BIN)/python -m tests.report.pictures docs/pictures

.PHONY: servers
servers: ## Install the programs that tests need: Ceph, sshd, Chromium, zsh and fish (apt), Azurite, and generators of schemas (npm, pip).
	tests/servers/install.sh
	PYTHON=$(PYTHON) tests/generators/install.sh

.PHONY: check check-lint check-mypy check-pyright check-generated
check: check-lint check-mypy check-pyright check-generated ## Check format, lint, layers, types (mypy and pyright), and that generated files are fresh.

check-lint: $(VENV)/check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-logo

check-mypy: $(VENV)/check
	$(BIN)/mypy

check-pyright: $(VENV)/check
	$(BIN)/pyright --pythonpath $(BIN)/python

check-generated: $(VENV)/check
	$(BIN)/typedtrack schema generate schemas --out examples/digits_trial.py --check
	$(BIN)/typedtrack schema export examples/digits_trial.py --out schemas --check
	$(BIN)/pytest --quiet --no-header tests/unit/test_docs.py -k fresh

.PHONY: bench
bench: $(VENV)/bench ## Measure typedtrack beside torchx and the least work possible; prints Markdown tables.
	$(BIN)/python -m benchmarks

.PHONY: torture
torture: $(VENV)/test ## Try for half an hour to get a wrong answer: from servers that misbehave, and by thousands of faults.
	$(BIN)/python -m tests.torture.answers
	$(BIN)/python -m tests.torture.chaos
	$(BIN)/python -m tests.torture.kills
	$(BIN)/python -m tests.torture.disks
	$(BIN)/python -m tests.torture.crowd

.PHONY: audit
audit: .venv/audit ## Look for known vulnerabilities of the packages in constraints.txt; needs a network.
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

.PHONY: scale
scale: .venv/test ## Measure the cost of a result among a thousand to a million others, and draw it.
	$(BIN)/python -m tests.torture.scale --plot scale.svg

.PHONY: fuzz
fuzz: .venv/fuzz ## Fuzz the inputs that strangers may write, guided by coverage; SECONDS=60 for each of four targets.
	for target in results schemas templates commands; do \
	  $(BIN)/python -m tests.fuzz $$target --seconds $(or $(SECONDS),60) || exit 1; \
	done

.PHONY: docs
docs: $(VENV)/docs ## Build the documentation into docs/_build/html; a warning is an error.
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going docs docs/_build/html # else the search forgets its index
	@echo "Open $(CURDIR)/docs/_build/html/index.html in a browser."

.PHONY: dev
dev: $(VENV)/dev ## Install everything for development, and the checks that run at each commit.
	$(BIN)/pre-commit install

.PHONY: format
format: $(VENV)/check ## Format the code, and fix what the linter can fix.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: clean
clean: ## Remove all files that the targets made.
	rm -rf .venv .venv-* .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist docs/_build typedtrack/report/bundle

# One stamp file for each dependency group: the demo need not wait for the packages of the type checkers.
$(VENV)/%: $(VENV)/pip pyproject.toml constraints.txt
	@echo "Installing the packages of the group '$*' into $(VENV); this takes a minute or two at first."
	$(BIN)/pip install --constraint constraints.txt --build-constraint constraints.txt --editable . --group $*
	@touch $@

# A new pip comes first: the pip of Python 3.11 and 3.12 knows no dependency groups.
$(VENV)/pip: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --upgrade --constraint constraints.txt pip
	@touch $@
