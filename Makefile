# Every target sets itself up on a machine that has Python 3.11 or newer, git and make.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links

# A stamp is newer than the lock file it was made from, so that a second run installs nothing.
BASE := $(VENV)/.installed-base
DEMO := $(VENV)/.installed-demo
DEV  := $(VENV)/.installed-dev

export PYTHONPATH := $(CURDIR)
# Where it is set, every process compiles all of our modules once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run demo test matrix check bench lock docs clean

help: ## List what can be done
	@echo "authplane - an OAuth 2.1 authorization server for MCP"
	@echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  First time here? Run 'make run', then 'make demo' in a second terminal."

run: $(BASE) ## Start everything on this machine: public :9000, operator :9001, worker
	@AUTHPLANE_LOG_FORMAT=$${AUTHPLANE_LOG_FORMAT:-text} exec $(BIN)/python manage.py serve --demo

demo: $(DEMO) ## A real MCP client signs in and calls a protected MCP server (needs 'make run')
	@PYTHONPATH=deploy exec $(BIN)/python -m demo

test: $(DEV) ## The whole suite, on SQLite and on PostgreSQL and Redis when they answer
	@$(BIN)/python -m tests.support.node
	@$(BIN)/python -m tests.support.sdk
	@exec $(BIN)/python -m tests.support.passes

matrix: $(DEV) ## Only the tests of specifications; writes their matrix
	@$(BIN)/python -m tests.support.node
	@$(BIN)/python -m tests.support.sdk
	@exec $(BIN)/python -m pytest tests -m spec -n 2 --dist worksteal -q --spec-matrix docs/reference/spec-matrix.md

check: $(DEV) ## Format, lint, types, import contracts, migrations, deploy check, docs
	@exec $(BIN)/python -m tests.support.checks

bench: $(DEV) ## Measure against PostgreSQL, beside a tuned plain django-oauth-toolkit
	@exec $(BIN)/python -m bench

docs: $(DEV) ## Write the generated pages and build the site into site/
	@$(BIN)/python -m authplane.reference
	@NO_MKDOCS_2_WARNING=1 exec $(BIN)/mkdocs build --strict

lock: $(DEV) ## Resolve the dependencies of pyproject.toml anew into requirements/
	$(COMPILE) --extra dev --extra demo -o requirements/dev.txt
	$(COMPILE) --extra demo -c requirements/dev.txt -o requirements/demo.txt
	$(COMPILE) -c requirements/dev.txt -o requirements/base.txt
	$(subst pyproject.toml,tests/sdk/requirements.in,$(COMPILE)) -c requirements/dev.txt -o tests/sdk/requirements.txt

clean: ## Remove what was installed and built; data/ stays
	@rm -rf $(VENV) site tests/node/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("authplane needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(BASE): requirements/base.txt | $(VENV)/bin/python
	@echo "installing the server's dependencies..."
	@$(INSTALL) -r requirements/base.txt
	@touch $@

$(DEMO): requirements/demo.txt | $(BASE)
	@echo "installing the demo's dependencies..."
	@$(INSTALL) -r requirements/demo.txt
	@touch $@

$(DEV): requirements/dev.txt | $(BASE)
	@echo "installing the development tools..."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@ $(DEMO)
