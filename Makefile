# The two commands: `make run` starts the whole system on this machine, `make test` proves it. Each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
# Folders with npm packages that tests use: the JavaScript SDKs, the OpenAPI linter.
JS_TESTS := $(wildcard tests/*/js/package.json tests/emulators/*/js/package.json)
# Extra arguments: make run ARGS="--fresh --port 9000", make test ARGS="-k rating"
ARGS ?=

.PHONY: help run test check rehearse setup web format openapi lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: .venv/.local local/node_modules/.installed web/dist/index.html ## Start everything on this machine (ARGS="--help" lists options)
	@$(PY) -m local $(ARGS)

test: .venv/.dev .venv-checkov/.installed local/node_modules/.installed web/dist/index.html $(patsubst %/package.json,%/node_modules/.installed,$(JS_TESTS)) ## Run every check and every test
	@scripts/ensure-chromium
	@$(MAKE) --no-print-directory check
	@cd web && npm test
	@$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

check: .venv/.dev web/node_modules/.installed tests/contracts/js/node_modules/.installed ## Run the static checks alone
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true tests/contracts/js/node_modules/.bin/redocly lint docs/openapi.json
	cd web && npm run --silent check

# A selection: make rehearse ARGS="--quick --scenario backlog --commands 3000". All: with no ARGS, some 25 minutes.
rehearse: need-cluster .venv/.dev local/node_modules/.installed ## Rehearse the Kubernetes part on a throw-away cluster ($$REHEARSAL_KUBECONFIG)
	@$(PY) -m pytest tests/kubernetes
	@$(PY) -m local.kubernetes rehearse $(ARGS)

.PHONY: need-cluster
need-cluster:
	@test -n "$$REHEARSAL_KUBECONFIG" || { echo "REHEARSAL_KUBECONFIG names no throw-away cluster; docs/operations/scaling.md says how to get one" >&2; exit 2; }

setup: .venv/.dev .venv-checkov/.installed local/node_modules/.installed web/dist/index.html ## Only install and build what the other commands need

web: web/dist/index.html ## Build the page

format: .venv/.dev ## Put the code into its standard form
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	cd web && npm run --silent format

openapi: .venv/.dev web/node_modules/.installed ## Write docs/openapi.json and the page's types anew from the models
	$(PY) -m triggers.openapi > docs/openapi.json
	cd web && npx openapi-typescript ../docs/openapi.json -o src/api/schema.d.ts

lock: .venv/.dev ## Resolve the versions of pyproject.toml anew into requirements*.txt
	$(PY) -m pip install --quiet uv==0.13.9
	.venv/bin/uv pip compile -q pyproject.toml --no-header --no-annotate --universal -o requirements.txt
	.venv/bin/uv pip compile -q pyproject.toml --group local -c requirements.txt --no-header --no-annotate --universal -o requirements-local.txt
	.venv/bin/uv pip compile -q pyproject.toml --group dev -c requirements-local.txt --no-header --no-annotate --universal -o requirements-dev.txt
	.venv/bin/uv pip compile -q requirements-checkov.in --no-header --no-annotate --universal --python-version 3.13 -o requirements-checkov.txt

clean: ## Remove everything that the commands above made, the local cloud's data included
	rm -rf .venv .venv-checkov .local local/node_modules web/node_modules web/dist tests/*/js/node_modules tests/emulators/*/js/node_modules

.venv/.made:
	@python=$$(scripts/find-python) && echo "creating .venv with $$python" && "$$python" -m venv .venv && touch $@

.venv/.local: .venv/.made requirements-local.txt
	@echo "installing the app's and the local cloud's Python packages …"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-local.txt && touch $@

.venv/.dev: .venv/.made requirements-dev.txt
	@echo "installing the development packages …"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt && touch $@ .venv/.local

.venv-checkov/.installed: requirements-checkov.txt
	@echo "installing the policy scanner …"
	@"$$(scripts/find-python)" -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-checkov.txt && touch $@

%/node_modules/.installed: %/package-lock.json
	@scripts/need-node
	@echo "installing the npm packages of $* …"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed

web/dist/index.html: web/node_modules/.installed $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	@echo "building the page …"
	@cd web && npm run --silent build
