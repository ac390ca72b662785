# make demo and make test do all their set-up; the others need `make .venv` once.
PYTHON ?= python3
ARCHIVE ?= output
BIN := .venv/bin

.PHONY: help demo test test-slow lint site serve clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /make \1|/p' Makefile | column -t -s '|'

.venv: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv

demo: .venv ## crawl the bundled demo site, without internet, into output/demo/
	@$(BIN)/python -m demo

test: .venv ## run the tests
	$(BIN)/pytest

test-slow: .venv ## run the long tests too: a hundred kills, every interpreter
	$(BIN)/pytest -m "slow or not slow"

lint: .venv ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: .venv ## build the static site of ARCHIVE (default output) into site/public/
	@echo "see site/"

serve: .venv ## serve that site and say where
	@echo "see site/"

clean: ## remove what can be made again; never an archive
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis site/public site/resources
