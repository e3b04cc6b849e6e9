# Every target does its own set-up: Python 3.11+, make and git are all that has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-unit test-systemd score bench-formats bench-burst bench-peers soak fuzz lint format env-example

help:
	@echo "make demo    a running server with a simulated node, in your terminal"
	@echo "make test    all tests; installs what they need"
	@echo "make test-systemd"
	@echo "             the same server against a Debian that boots in a container (root, Linux)"
	@echo "make test-bare"
	@echo "             make demo and the unit tests on bare Debians, as root and as an ordinary user (root, Linux)"
	@echo "make test-pythons"
	@echo "             the unit tests of the pure rooms on each Python from 3.11 to 3.14 that is here"
	@echo "make test-image"
	@echo "             the Dockerfile's steps without Docker, and the server that they make (root, Linux)"
	@echo "make lint    style and types"
	@echo "make shape   classes that hold too much changing state, functions that do not fit a screen"
	@echo "make example the React hooks on a page, to look at the demo with"
	@echo "make bench   writes bench/RESULTS.md: what a line and another socket cost, beside a server in Node.js"
	@echo "make fuzz, make soak, make bench-delivery, make bench-burst, make bench-login, make bench-latency, make bench-idle, make bench-herd, make bench-peers, make bench-hostile, make bench-frontend, make bench-console, make bench-history, make bench-formats, make sizes, make score LINES=DIR"
	@echo "             print figures: of parsers of outside bytes, leaks, memory and speed"
	@echo "make what-the-page-shows"
	@echo "             plays every trouble in a Chromium, and writes docs/what-the-page-shows.md with pictures"
	@echo "make audit   known vulnerabilities in the packages that are pinned; make lock pins them anew"

$(VENV)/.python: requirements.txt requirements-demo.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ethpillar needs Python 3.11 or newer (PYTHON=... names one)"; exit 1; }
	@test -x $(BIN)/python || echo "First start: making a Python environment in $(VENV), about 10 seconds"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@echo "Installing what the server and the demo need: 35 packages, 40 MB, about 30 seconds"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-demo.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.python requirements-dev.txt
	@echo "Installing what tests and checks need: 15 packages, 110 MB (Node.js is one), about 30 seconds"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.python
	@$(BIN)/python -m demo

# The real parts (sshd, shells, socket.io-client) that no wheel has: what can be installed is, the rest is told.
.PHONY: parts
parts: $(VENV)/.dev
	@$(BIN)/python -m tests.programs

test: parts
	@$(BIN)/python -m tests

test-unit: $(VENV)/.dev
	@$(BIN)/python -m pytest --ignore=tests/system --ignore=tests/demo --ignore=tests/frontend --ignore=tests/console --ignore=tests/page --ignore=tests/deploy/test_proxies.py --ignore=tests/deploy/test_scale.py --ignore=tests/deploy/test_run_it.py

# Debian is downloaded once, into ~/.cache/ethpillar. Where no container can boot it says why, and succeeds.
test-systemd: parts
	@$(BIN)/python -m tests.real_systemd

# What README promises on a bare Debian 12 and 13: python3, python3-venv, make and git, no compiler (root, Linux).
.PHONY: test-bare
test-bare: $(VENV)/.dev
	@$(BIN)/python -m tests.bare

# The pure rooms on each Python from 3.11 to 3.14 that is here (also pyenv's and uv's).
.PHONY: test-pythons
test-pythons: $(VENV)/.dev
	@$(BIN)/python -m tools.pythons

# The Dockerfile's steps in bare Debians, without Docker: built, started, asked for its health, stopped (root, Linux).
.PHONY: test-image
test-image: $(VENV)/.dev
	@$(BIN)/python -m tests.bare.image

# Scores the parsers on a folder of lines with their right answers: make score LINES=DIR
score: $(VENV)/.python
	@$(BIN)/python bench/score.py $(LINES)

# Lines a second of each format, and the slowest of the hostile inputs.
bench-formats: $(VENV)/.python
	@$(BIN)/python bench/formats.py

lint: $(VENV)/.dev
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# What all tests together run of each room; with ROOM=nodes, what nothing ran of it in the last run.
.PHONY: coverage
coverage: parts
	@$(BIN)/python -m tools.covered $(ROOM)

# Small faults that the unit tests do not notice: make mutants ROOM=nodes FAULTS=200
.PHONY: mutants
mutants: $(VENV)/.dev
	@ROOM=$(ROOM) FAULTS=$(or $(FAULTS),400) TESTS="$(TESTS)" $(BIN)/python -m tools.mutants

# Classes that hold too much changing state, and functions that do not fit a screen.
.PHONY: shape states
shape: $(VENV)/.python
	@$(BIN)/python -m tools.shape

# Draws the tables of transitions into ARCHITECTURE.md.
states: $(VENV)/.python
	@$(BIN)/python -m tools.states

env-example: $(VENV)/.python
	@$(BIN)/python config.py --env > .env.example

# Lines into 50 sockets of which 10 are frozen, and what memory does meanwhile: make bench-burst LINES=1000000
bench-burst: parts
	@LINES=$(or $(LINES),1000000) $(BIN)/python bench/burst.py

# bench/RESULTS.md and its plots, in less than five minutes: what a line and another socket cost, beside a server in Node.js.
.PHONY: bench
bench: parts $(VENV)/.bench
	@$(BIN)/python bench/results.py

$(VENV)/.bench: $(VENV)/.python requirements-bench.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

# The same figures one by one, and of other checkouts: make bench-delivery ARGS="--other ../before"
.PHONY: bench-delivery
bench-delivery: parts
	@$(BIN)/python bench/delivery.py $(ARGS)

# requirements*.txt, with the hashes of every file of each release, from requirements/*.in.
.PHONY: lock audit
lock: $(VENV)/.uv
	@cd requirements && for each in run: demo:-demo dev:-dev bench:-bench; do \
		../$(VENV)/uv/bin/uv pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--default-index https://pypi.org/simple "$${each%%:*}.in" -o "../requirements$${each#*:}.txt" || exit 1; done

$(VENV)/.uv: $(VENV)/.python
	@$(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv && touch $@

# Whether every pinned requirement has a wheel for each Python and platform: nothing may need a compiler.
.PHONY: wheels
wheels: $(VENV)/.uv
	@$(BIN)/python -m tools.wheels $(VENV)/uv/bin/uv

# Known vulnerabilities in what is pinned. The tool has an environment of its own, and fails in both cases alike.
audit: $(VENV)/.audit
	@found=$$($(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		-r requirements.txt -r requirements-demo.txt -r requirements-dev.txt 2>&1) && echo "$$found" && exit 0; echo "$$found"; \
	case "$$found" in *"Found "*" known vulnerab"*) echo "audit: vulnerable packages are pinned: see above" ;; \
		*) echo "audit: NOTHING WAS AUDITED: the list of vulnerabilities (pypi.org/pypi/NAME/VERSION/json) could not be read" ;; esac; exit 1

$(VENV)/.audit: $(VENV)/.python
	@$(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit && touch $@

# A fast log in a headless Chromium, and how long its frames take: make bench-frontend RATE=5000 SECONDS=10
.PHONY: bench-frontend example
bench-frontend: parts
	@RATE=$(or $(RATE),5000) SECONDS=$(or $(SECONDS),10) $(BIN)/python bench/frontend.py

# A fast log in the console, in a headless Chromium, and how long it takes to answer: make bench-console RATE=2000 SECONDS=60
.PHONY: bench-console
bench-console: parts
	@RATE=$(or $(RATE),2000) SECONDS=$(or $(SECONDS),60) $(BIN)/python bench/console.py

# The last errors of a unit with a million entries, beside a plain reading of them: make bench-history ENTRIES=1000000
.PHONY: bench-history
bench-history: parts
	@ENTRIES=$(or $(ENTRIES),1000000) $(BIN)/python bench/history.py

# Pictures of the console at three widths, light and dark: make screenshots FOLDER=screenshots
.PHONY: screenshots
screenshots: parts
	@FOLDER=$(or $(FOLDER),screenshots) $(BIN)/python bench/screenshots.py

# What the page shows when something goes wrong, after 1, 5 and 30 seconds: docs/what-the-page-shows.md, with pictures.
.PHONY: what-the-page-shows
what-the-page-shows: parts
	@$(BIN)/python -m tests.page

# The dashboard's four parts on the hooks, to look at `make demo` with: http://localhost:3000
example: parts
	@$(BIN)/python -m tests.frontend.package run example

# Every parser of outside bytes: INPUTS inputs or SECONDS seconds for each property, and how many it got.
fuzz: parts
	@$(BIN)/python -m tests.fuzz

# Random pages and random faults, and what is left of them: make soak MINUTES=5
soak: parts
	@$(BIN)/python bench/soak.py

# Each attack against the production command, and what a victim notices of it: ATTACKS=emoji,healthz make bench-hostile
.PHONY: bench-hostile
bench-hostile: parts
	@$(BIN)/python -m bench.attacks

# What a connection, a socket, a session, a followed log cost in memory.
.PHONY: sizes
sizes: parts
	@$(BIN)/python -m bench.sizes

# How old a line is when its event comes, beside a bare ssh, alone and beside another tenant's burst.
.PHONY: bench-latency
bench-latency: parts
	@$(BIN)/python bench/latency.py

# What sessions cost in which nothing happens: make bench-idle ARGS="--sessions 1000"
.PHONY: bench-idle bench-herd
bench-idle: parts
	@$(BIN)/python bench/idle.py $(ARGS)

# How long 1,000 pages wait that reconnect at once: make bench-herd ARGS="--other ../before"
bench-herd: parts
	@$(BIN)/python bench/herd.py $(ARGS)

# How long it takes to log in, and until the first line is there.
.PHONY: bench-login
bench-login: parts
	@$(BIN)/python bench/login.py

# Thousands of peers that never finish what they begin.
bench-peers: parts
	@$(BIN)/python bench/peers.py
