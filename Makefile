PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --doctest-modules tests spikemem
SPHINX := OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --keep-going

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint docs docs-links bench learn clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Each command first sets up $(VENV)/ if needed, with PYTHON=$(PYTHON) (3.11 or newer)."

demo: $(VENV)/run.stamp ## Learn and recall handwritten digits; writes results/demo/
	$(BIN)/spikemem demo

test: lint ## Linter, types, tests and doctests
	$(PYTEST)

test-slow: $(VENV)/test.stamp ## The tests marked slow
	$(PYTEST) -m "slow and not board"

lint: $(VENV)/test.stamp ## Linter, format and types only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p spikemem

# Notebooks that have not changed keep their outputs from the last build, in build/notebooks.
docs: $(VENV)/docs.stamp ## Build the documentation site in build/docs and run its examples
	$(SPHINX) -b html -W -n docs build/docs
	$(BIN)/python -m pytest -q -m "not board" tests/test_docs.py tests/test_readme.py
	@echo "Open build/docs/index.html"

docs-links: $(VENV)/docs.stamp ## Check the links to other sites; needs the network
	$(SPHINX) -b linkcheck -D nb_execution_mode=off docs build/docs-links

bench: $(VENV)/run.stamp ## Run every script in benchmarks/
	@set -e; for script in benchmarks/*.py; do \
		test -e "$$script" || { echo "benchmarks/ holds no scripts"; exit 0; }; \
		echo "== $$script"; $(BIN)/python "$$script"; \
	done

learn: $(VENV)/learn.stamp ## Add PyTorch and norse to the environment (extra "learn")

clean: ## Remove the environment, builds and caches; keep results/
	rm -rf $(VENV) build dist docs/notebooks docs/reference/api spikemem.egg-info .coverage .coverage.* coverage.xml htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/run.stamp: requirements/run.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "spikemem needs Python 3.11 or newer, and $(PYTHON) is not: try make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/learn.stamp requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@

$(VENV)/docs.stamp: $(VENV)/test.stamp requirements/docs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/docs.txt
	@touch $@

# norse would bring torchvision, and with it another torch: it is installed alone. Its source asks
# setuptools_scm for its version, which is why that is among the pins. On Linux the CPU build of
# torch is a tenth of the size of the usual one: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
$(VENV)/learn.stamp: $(VENV)/run.stamp requirements/learn.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/learn.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation norse==1.1.0
	@touch $@
