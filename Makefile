# `make reproduce-codeupdatearena` and `make test` need nothing but Python 3.11+ with pip and venv.
SCALE ?= cpu
PYTHON ?= python3
RUN := .venv/bin/python -m
PACKAGES := $(notdir $(wildcard packages/*))
WORKERS ?= 2
# Packages that make their data from published files.
FETCHED := $(foreach p,$(PACKAGES),$(if $(wildcard packages/$p/src/$p/inputs/fetched*),$p))

.PHONY: setup lock lint test acceptance docs data bench reproduce $(PACKAGES:%=reproduce-%)

setup:  ## the environment of the whole workspace, exactly as locked, every file checked by hash
	@$(PYTHON) tools/install.py

lock:  ## resolve both environments anew (CPU: uv.lock, CUDA: requirements-gpu.txt)
	$(PYTHON) tools/install.py --lock

lint: setup
	$(RUN) ruff check . && $(RUN) ruff format --check .
	$(RUN) mypy shared/src tools
	@set -e; for p in $(PACKAGES); do $(RUN) mypy packages/$$p/src; done

test: setup  ## unit, end-to-end, acceptance and vLLM tests
	$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

acceptance: setup  ## the real inputs in full, where `make test` runs a part of them
	TENPAPERS_ACCEPTANCE=whole $(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m acceptance

docs: setup  ## README table and CITATION.cff, from the papers' paper.yaml
	.venv/bin/python tools/make_docs.py

data: setup  ## the published data of the papers, into $$TENPAPERS_DATA or your data folder
	@set -e; for p in $(FETCHED); do echo "== $$p"; .venv/bin/$$p data fetch; done

bench: setup
	@set -e; for script in $(filter-out benchmarks/timing.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; .venv/bin/python $$script; done

reproduce: $(PACKAGES:%=reproduce-%)

$(PACKAGES:%=reproduce-%): reproduce-%: setup
	.venv/bin/$* reproduce --scale $(SCALE) --out runs/$*-$(SCALE)
