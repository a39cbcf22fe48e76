# Every command of the project. Each installs what it needs, from the lock, into .venv.
SHELL := /bin/bash
PY := .venv/bin/python
# A bare environment has neither PATH nor HOME; Python, uv and pip want them.
export PATH ?= /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME ?= $(shell getent passwd "$$(id -u)" | cut -d: -f6)
export SELFSYNTH_TEST_DATA ?= ../shared/data
export SELFSYNTH_TEST_SCHEMAS ?= ../shared/schemas
export OMP_NUM_THREADS ?= 1

.PHONY: help install install-vllm install-lmms-eval install-manifest-checks install-promtool demo demo-base test test-compose test-long check format bench

help: ## list the commands
	@grep -hE '^[a-z-]+%?:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

install: ## install everything from the lock into .venv (TORCH_BACKEND=cpu asks for PyTorch's CPU index)
	@tools/install.sh dev

install-vllm: install ## vLLM into .venv-vllm (KIND=cpu, or cuda)
	@tools/install_vllm.sh $(KIND)

install-manifest-checks: install ## what checks k8s/, into .venv-manifests
	@tools/install_manifest_checks.sh

install-promtool: install ## what checks Prometheus' rules, where Debian's package can be had
	@tools/install_promtool.sh

install-lmms-eval: install ## lmms-eval into .venv-lmms-eval, for benchmarks of general ability
	@tools/install_lmms_eval.sh

demo: install $(if $(filter vllm,$(ENGINE)),install-vllm) ## the whole loop on this machine: a tiny model learns twelve species (SEED=0, CONTROL=1 adds the control, ENGINE=vllm, WORLD=hard)
	@$(PY) -m selfsynth demo --seed $(or $(SEED),0) $(if $(CONTROL),--control) --engine $(or $(ENGINE),transformers) --world $(or $(WORLD),easy)

demo-base: install ## train the demo's base model anew (about 20 minutes)
	@$(PY) -m selfsynth.demo.base.train --out selfsynth/demo/base/checkpoint

test: install install-vllm install-lmms-eval install-manifest-checks install-promtool check ## everything that CI runs
	@$(PY) -m pytest -q -m "not long and not gpu"

test-compose: install ## the images and docker-compose.yml for real, on base images made here (root; installs Docker)
	@SELFSYNTH_TEST_COMPOSE=1 $(PY) -m pytest -q -rA -m "not long" tests/compose

test-long: install ## what needs longer than CI has
	@$(PY) -m pytest -q -m "long"

check: install ## formatting, lint, types and import contracts
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: install ## format and mend what can be mended
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --quiet --fix .

bench-%: install ## run bench/NAME.py, write bench/results/NAME.json, and what docs/capacity.md makes of it
	@mkdir -p bench/results && $(PY) bench/$*.py && $(PY) -m tools.capacity_tables

bench: ## run every bench
	@for f in bench/*.py; do $(MAKE) --no-print-directory "bench-$$(basename $$f .py)" || exit 1; done
