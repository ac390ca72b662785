# make demo and make test do all their set-up; the others need `make .venv` once.
PYTHON ?= python3
ARCHIVE ?= output
PUBLIC ?= site/public
PORT ?= 1313
BIN := .venv/bin
# not every shell replaces a ~ there
override ARCHIVE := $(patsubst ~/%,$(HOME)/%,$(ARCHIVE))
override PUBLIC := $(patsubst ~/%,$(HOME)/%,$(PUBLIC))

.PHONY: help demo test test-slow lint site serve docs release clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /make \1|/p' Makefile | column -t -s '|'

.venv: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,browser,scrapyd]'
	@touch .venv

demo: .venv ## crawl the bundled demo site, without internet, into output/demo/
	@$(BIN)/python -m demo

test: .venv ## run the tests, or those of TESTS
	$(BIN)/pytest -n auto --dist worksteal $(TESTS)

test-slow: .venv ## run the long tests, which `make test` leaves out: a hundred kills, every interpreter
	$(BIN)/pytest -n auto --dist worksteal -m slow $(TESTS)

SCHEMA = $(BIN)/check-jsonschema --builtin-schema

lint: .venv ## ruff, mypy --strict, and the form of workflows, issue forms and compose files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml deploy/github/*.yml
	$(SCHEMA) vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA) vendor.compose-spec deploy/*/compose.yaml

MOUNT = {"source": "$(1)", "target": "$(2)"}
MOUNTS = [$(call MOUNT,content,content), $(call MOUNT,assets,assets), $(call MOUNT,$(abspath $(ARCHIVE))/content,content), \
	$(call MOUNT,$(abspath $(ARCHIVE))/pictures,assets/pictures), \
	$(call MOUNT,$(abspath $(ARCHIVE))/changes.json,data/archive/changes.json), \
	$(call MOUNT,$(abspath $(ARCHIVE))/revisions,assets/archive/revisions)]
# Two fifths to half less memory for a fifth to a half more CPU time: Go collects earlier, and Hugo keeps fewer pages that it has rendered (GB).
HUGO = GOGC=$${GOGC:-50} HUGO_MEMORYLIMIT=$${HUGO_MEMORYLIMIT:-0.3} HUGO_MODULE_MOUNTS='$(MOUNTS)' $(BIN)/hugo

site: .venv $(ARCHIVE)/content ## build the static site of ARCHIVE (default output) into PUBLIC (site/public)
	@$(HUGO) --source site --destination $(abspath $(PUBLIC)) --cleanDestinationDir $(HUGO_FLAGS)
	@$(BIN)/python site/search_index.py $(abspath $(PUBLIC))
	@echo "The site of $(ARCHIVE) is in $(PUBLIC)/; make serve ARCHIVE=$(ARCHIVE) shows it."

# Hugo's own answer to a port that it cannot have is its whole manual.
CAN_LISTEN = $(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", int("$(PORT)")))' 2>/dev/null

serve: .venv $(ARCHIVE)/content ## serve that site and say where
	@$(CAN_LISTEN) || { echo "Port $(PORT) cannot be had, most likely another program uses it:" \
		"make serve PORT=1314 takes another" >&2; exit 1; }
	@echo "http://127.0.0.1:$(PORT)/ shows $(ARCHIVE); Ctrl-C ends it."
	@$(HUGO) server --renderToMemory --source site --bind 127.0.0.1 --port $(PORT) $(HUGO_FLAGS)

$(ARCHIVE)/content:
	@echo "There is no archive in $(ARCHIVE): crawl first, or make demo and then make $(MAKECMDGOALS) ARCHIVE=output/demo" >&2
	@false

$(BIN)/mkdocs: .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

# NO_MKDOCS_2_WARNING hides an advertisement.
docs: $(BIN)/mkdocs ## build the book (docs/ as a website, in English and Chinese) into build/docs/
	@for language in mkdocs mkdocs.zh; do \
		NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file book/$$language.yml || exit 1; done
	@echo "The book is in build/docs/; $(PYTHON) -m http.server --bind 127.0.0.1 --directory build/docs serves it."

TAG = $(shell git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null)

release: .venv ## build the release of the tag that is checked out into dist/, and check it; nothing is uploaded
	@test -n "$(TAG)" || { echo "This commit has no tag: expected one like v0.1.0 (git tag -a v0.1.0)" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "The working tree has changes: commit or stash them" >&2; exit 1; }
	@grep -q '^## \[$(TAG:v%=%)\] - 20' CHANGELOG.md || \
		{ echo "CHANGELOG.md lacks its section: expected '## [$(TAG:v%=%)] - <date>'" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[release]'
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

clean: ## remove what can be made again; never an archive
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* site/public site/resources
