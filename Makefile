# The two commands are `make run` and `make test`.  They need Python 3.11 or newer, and make.

PY := .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
SIZE ?= 1k
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run install test check test-postgres promises bench openapi lock clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.run ## Start the whole system (HOST, PORT, LEITAI_HOME, SEED=0); Ctrl-C stops it
	@HOST=$(HOST) PORT=$(PORT) exec $(PY) -m workers.supervisor

install: .venv/.run ## Only make .venv with what running needs

test: check ## All checks and all tests
	$(PY) -m pytest $(PYTEST_ARGS)

check: .venv/.test ## Format, lint, types, imports, spelling
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/codespell

test-postgres: .venv/.test ## The tests on PostgreSQL (DATABASE_URL, or a server from the test extra)
	$(PY) -m tests.postgres $(PYTEST_ARGS)

promises: .venv/.test ## The promises by number, with all rounds
	$(PY) -m tests.promises $(PYTEST_ARGS)

bench: .venv/.test ## Measure (SIZE=1k or 100k)
	$(PY) -m bench --size $(SIZE)

openapi: .venv/.run ## Write docs/openapi.json
	@mkdir -p docs
	.venv/bin/flask openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

lock: ## Renew both lock files from pyproject.toml
	deploy/lock

clean: ## Remove .venv and caches; data under LEITAI_HOME stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.run: requirements.lock pyproject.toml deploy/bootstrap
	@deploy/bootstrap requirements.lock
	@touch $@

# A superset of the first lock, so that both may go into the one environment.
.venv/.test: requirements-test.lock .venv/.run
	@deploy/bootstrap requirements-test.lock
	@touch $@
