# Two commands are all: `make run` and `make test`. Everything else is for people who change the product.
VENV := .venv
BIN := $(VENV)/bin
UV := UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv --system-certs
PYTHON ?= python3
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)
BUILT := src/besedka/web/static/besedka/widget.js

.PHONY: run test check faults bench load eval docs wheel clean

run: $(VENV)/.ready $(BUILT) ## serve on http://127.0.0.1:8000
	@$(BIN)/besedka run

test: $(VENV)/.tools $(BUILT) ## every test, on every database that answers
	@$(BIN)/python tests/everywhere.py

faults: $(VENV)/.tools $(BUILT) ## every fault, for as long as it takes; a table in build/faults.md
	@$(BIN)/python tests/faults/everything.py $(ARGS)

check: $(VENV)/.tools $(BUILT) ## what is to be true of the code before any test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check --fail-level WARNING
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	@cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check
	@$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.tools $(BUILT) ## figures, as ratios to the floor
	@$(BIN)/python benchmarks/bench.py

load: $(VENV)/.tools $(BUILT) ## everybody at once, MINUTES=1 of it; more by ARGUMENTS="--rate 100 …"
	@$(BIN)/python benchmarks/load.py --minutes $(or $(MINUTES),1) $(ARGUMENTS)

eval: $(VENV)/.tools $(BUILT) ## how well real questions are answered
	@$(BIN)/python benchmarks/eval.py

docs: $(VENV)/.tools ## the documentation, on http://127.0.0.1:8001
	@$(BIN)/mkdocs serve --dev-addr 127.0.0.1:8001

wheel: $(BUILT) ## what an installation is made of, in dist/: the wheel, and all it needs with digests
	@rm -rf dist && $(UV) build --quiet --wheel --out-dir dist
	@$(UV) export --quiet --frozen --no-default-groups --all-extras --no-emit-project --output-file dist/requirements.txt

clean: ## forget everything that can be made again
	rm -rf $(VENV) frontend/node_modules src/besedka/web/static/besedka site

$(VENV)/uv:
	@$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.8 && touch $@

$(VENV)/.ready: $(VENV)/uv uv.lock pyproject.toml
	@$(UV) sync --frozen --quiet --no-default-groups --inexact && touch $@

$(VENV)/.tools: $(VENV)/uv uv.lock pyproject.toml
	@$(UV) sync --frozen --quiet --all-extras --inexact && touch $@ $(VENV)/.ready

$(BUILT): $(VENV)/.ready $(FRONTEND)
	@sh frontend/build.sh && touch $@
