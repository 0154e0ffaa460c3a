# Every target makes what it needs in .venv from a bare Python (3.11 or newer), and works again on a second run.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Print this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

.PHONY: demo
demo: .venv/demo ## Run the example: a search in separate processes, their results through a tracker.
	@$(BIN)/python examples/hyperparameter_search.py

.PHONY: test
test: .venv/test ## Run all tests, the snippets of README.md and docs/ among them; all lines and branches must be covered.
	@$(BIN)/pytest -n auto --cov

.PHONY: servers
servers: ## Install the servers that tests of real stores run against: Ceph, sshd (apt), Azurite (npm).
	@tests/servers/install.sh

.PHONY: check
check: .venv/check ## Check format, lint, the order of the rooms, types with mypy and pyright, and that what is made is fresh.
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/typedtrack schema generate schemas --out examples/digits_trial.py --check
	@$(BIN)/typedtrack schema export examples/digits_trial.py --out schemas --check
	@$(BIN)/pytest --quiet --no-header tests/unit/test_docs.py -k fresh

.PHONY: bench
bench: .venv/bench ## Measure beside the reference and the limit; prints a Markdown table.
	@$(BIN)/python -m benchmarks

.PHONY: docs
docs: .venv/docs ## Build the documentation into docs/_build/html; a warning is an error.
	@$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs docs/_build/html

.PHONY: dev
dev: .venv/dev ## Install everything that developing needs, and the checks that run at each commit.
	@$(BIN)/pre-commit install

.PHONY: format
format: .venv/check ## Format, and mend what the linter can.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: clean
clean: ## Remove what the targets made.
	rm -rf .venv .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist docs/_build

# One stamp for each dependency group: the demo need not wait for what only the type checkers read.
.venv/%: .venv/pip pyproject.toml constraints.txt
	@$(BIN)/pip install --quiet --constraint constraints.txt --build-constraint constraints.txt --editable . --group $*
	@touch $@

# pip comes first: those that Python 3.11 and 3.12 ship know no dependency groups.
.venv/pip: constraints.txt
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt pip
	@touch $@
