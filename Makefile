# Each target is a few lines; what is longer lives in scripts/. `make` alone lists them.
BIN = .venv/bin
# Python's objects in huge pages: where a virtual machine looks pages up slowly, half the time.
QUICK = PYTHONMALLOC=malloc GLIBC_TUNABLES=glibc.malloc.hugetlb=1
ARGS =

.DEFAULT_GOAL := help
# What a target needs is made side by side: fetching, checking and compiling wait for different things.
MAKEFLAGS += --jobs=3
.PHONY: help setup setup-dev kernels system demo up unit test lint format types bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## make .venv with what Greenroom needs (does nothing when it is there)
	@scripts/setup

demo: setup ## play the main job on a sample project, live
	@$(BIN)/greenroom demo $(ARGS)

up: setup ## start the platform for your own projects
	@$(BIN)/greenroom up $(ARGS)

setup-dev: ## setup, and what tests and checks need on top
	@scripts/setup --dev

unit: setup-dev ## run the fast tests (ARGS="-k name" chooses)
	$(BIN)/pytest tests/unit tests/house $(ARGS)

test: setup-dev system lint types kernels ## check everything: style, types, every test, the demo among them
	env $(QUICK) $$(scripts/ensure-docker) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=30 $(ARGS)

kernels: setup-dev ## compile what masks a sync's rows, unless this user has it
	@$(BIN)/python -m greenroom.data.kernels

system: setup-dev ## install what the tests need (as root on Debian or Ubuntu; elsewhere it says how)
	@scripts/install-system

lint: setup-dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## put the code in its one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

types: setup-dev ## check types
	$(BIN)/mypy

bench: setup-dev ## measure every figure, one JSON line each (ARGS=name for one)
	@$(BIN)/python -m benchmarks $(ARGS)

lock: setup-dev ## compile requirements/*.in to *.txt with hashes (ARGS=--upgrade for newer)
	@scripts/lock $(ARGS)

clean: ## remove what setup, tests and checks made
	rm -rf .venv node_modules build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
