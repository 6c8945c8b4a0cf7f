# Needs Python 3.11 or newer with venv and pip, and make.  `make help` lists what there is.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
JOBS ?= 2
ARGS ?=

PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest -n $(JOBS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help run test parity conformance oldest nightly lint format bench docs clean

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):[^#]*##/  make \1 \t/p' Makefile

run: $(VENV)/.experiments  ## train all seven systems briefly, compare eager with compiled (under 4 minutes on 2 cores)
	$(PY) -m experiments brief $(ARGS)

test: $(VENV)/.test  ## the tests that need no PyTorch
	$(PYTEST) --ignore=tests/parity --ignore=tests/conformance $(ARGS)

parity: $(VENV)/.parity  ## the tests against PyTorch 2.13
	$(PYTEST) tests/parity tests/conformance $(ARGS)

conformance: $(VENV)/.parity  ## all of PyTorch's operator database, and docs/conformance.md
	$(PY) -m tests.conformance --jobs $(JOBS) --report $(ARGS)

oldest: .venv-oldest/.core  ## the core's tests with the oldest JAX that is promised
	.venv-oldest/bin/python -m pytest -n $(JOBS) --dist worksteal tests/tensor tests/compiler/test_state.py tests/compiler/test_function.py tests/optim $(ARGS)

nightly: $(VENV)/.test  ## 2,000 random programs and 50 steps of each system, eager against compiled; every operator's cases (about an hour)
	FXTORCH_PROGRAMS=2000 FXTORCH_EVERY_CASE=1 FXTORCH_STEPS=50 $(PY) -m pytest tests/compiler/test_differential.py \
		tests/ops/test_cases.py tests/experiments/test_systems.py -o faulthandler_timeout=0 $(ARGS)

lint: $(VENV)/.lint $(VENV)/.parity  ## ruff and pyright, which reads the tests beside PyTorch too
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright

format: $(VENV)/.lint  ## rewrite to the house's layout
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(VENV)/.parity  ## side by side with PyTorch; `make bench ARGS=--quick` for a first look
	$(PY) -m benchmarks $(ARGS)

docs: $(VENV)/.experiments  ## write docs/support.md from the table of operators
	$(PY) -m docs.support

clean:  ## remove the environment and what tools left
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist *.egg-info

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

.venv-oldest/.core: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	@.venv-oldest/bin/pip install --quiet jax==0.10.0 jaxlib==0.10.0 optax==0.2.5 flax==0.12.0 numpy==2.1.0 pytest pytest-xdist hypothesis
	@.venv-oldest/bin/pip install --quiet --no-deps -e .
	@touch $@

# One stamp for each extra: nothing is installed again until pyproject.toml changes.
$(VENV)/.%: pyproject.toml | $(PY)
	@echo "installing fxtorch[$*] into $(VENV); the first time this takes a few minutes"
	@$(PY) -m pip install --quiet -e '.[$*]'
	@touch $@
