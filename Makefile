# People and CI call these same targets. ARGS="…" is handed to the command behind a target.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# On a terminal pip shows what it downloads; elsewhere each step is a line.
PIP := $(BIN)/python -m pip --disable-pip-version-check $(shell test -t 2 || echo --quiet)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
# What bench-serve compares with, each in an environment of its own
COMPARATORS := official fastapi mlserver bentoml
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup reference dist release dev base-image image sbom reproducible train-local train-cloud rehearse-cloud plan tune up serve test awscli lint check audit lock fuzz stress-runs stress-cloud bench-loop \
	bench-serve bench-train bench-rehearsal bench-kill bench-tracking bench-runs bench-switching bench-evaluation bench-handbook bench-models bench-reasons bench-calibration soak docs clean

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nExample: make train-local ARGS="model=weighted model.max_depth=8"\n'

##@ Run
train-local: setup ## Prepare, train, deploy, evaluate and report, in containers where Docker is
	@containers/xgboost/build-or-say.sh
	@FRAUDLAB_IMAGE_PROBLEM="$$(cat build/image-problem 2>/dev/null)"; export FRAUDLAB_IMAGE_PROBLEM; set -x; \
		$(BIN)/fraudlab train backend=local $(ARGS)

plan: setup ## What a run would send, rent and cost; nothing is sent (ARGS="backend=sagemaker")
	@$(BIN)/fraudlab plan $(ARGS)

train-cloud: setup ## The same run as jobs of SageMaker in your AWS account; says what it may cost, and asks
	@containers/xgboost/build.sh
	$(BIN)/fraudlab train backend=sagemaker $(ARGS)

rehearse-cloud: .venv/.rehearsal ## The same code against a loopback AWS, which runs the image in Docker
	@containers/xgboost/build.sh
	$(BIN)/fraudlab train backend=rehearsal $(ARGS)

tune: .venv/.tune ## Search the model's settings on validation, and test the best once (ARGS="tune.trials=50")
	@containers/xgboost/build-or-say.sh
	@FRAUDLAB_IMAGE_PROBLEM="$$(cat build/image-problem 2>/dev/null)"; export FRAUDLAB_IMAGE_PROBLEM; set -x; \
		$(BIN)/fraudlab tune $(ARGS)

up: ## Serve the newest completed run in Docker Compose (FRAUDLAB_PORT=8081, FRAUDLAB_MODEL=FOLDER)
	@containers/up.sh

serve: setup ## Serve the newest completed run on http://localhost:8080
	$(BIN)/fraudlab serve $(ARGS)

##@ Set up (the targets above and below do it by themselves)
setup: .venv/.setup ## Virtual environment with the locked packages
image: ## Container image, rebuilt only when its inputs changed
	@containers/xgboost/build.sh
sbom: ## Bill of materials of the image, build/sbom.cdx.json (CycloneDX)
	@rm -f build/sbom.cdx.json
	@containers/xgboost/build.sh
	@test -s build/sbom.cdx.json || { echo "sbom: there is no image to write it of; start Docker" >&2; exit 1; }
reproducible: dev ## Build the image again, without a cache, and compare (ARGS=--base: its base too)
	@containers/xgboost/reproduce.sh $(ARGS)
base-image: ## Base image from Debian packages, where no registry is reachable
	@containers/base/build.sh
dev: .venv/.dev ## Packages for tests and lint as well

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "setup: no Python 3.11 or newer in PATH; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: $(PYTHON) is older than Python 3.11" >&2; exit 1; }
	@echo "setup: making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "setup: this Python makes no virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }

.venv/.setup: requirements/launcher.txt pyproject.toml | .venv/bin/python
	@echo "setup: installing $$(grep -c '^[a-zA-Z0-9]' requirements/launcher.txt) locked packages (a minute or two, once)"
	@$(PIP) install --require-hashes --no-deps --use-pep517 -r requirements/launcher.txt
	@echo "setup: installing fraudlab itself"
	@$(PIP) install --no-deps --editable .
	@touch $@
	@echo "setup: done; $(BIN)/fraudlab --help"

.venv/.rehearsal: requirements/rehearsal.txt .venv/.setup
	@echo "setup: installing $$(grep -c '^[a-zA-Z0-9]' requirements/rehearsal.txt) packages for the rehearsal of the cloud"
	@$(PIP) install --require-hashes --no-deps --use-pep517 -r requirements/rehearsal.txt
	@touch $@

.venv/.tune: requirements/tune.txt .venv/.setup
	@echo "setup: installing $$(grep -c '^[a-zA-Z0-9]' requirements/tune.txt) packages for tuning"
	@$(PIP) install --require-hashes --no-deps --use-pep517 -r requirements/tune.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.rehearsal .venv/.tune
	@echo "setup: installing $$(grep -c '^[a-zA-Z0-9]' requirements/dev.txt) packages for tests and lint"
	@$(PIP) install --require-hashes --no-deps --use-pep517 -r requirements/dev.txt
	@touch $@

##@ Develop
test: dev ## All tests; those that need Docker or a browser are skipped where there is none
	@containers/xgboost/build-or-say.sh
	$(BIN)/pytest $(ARGS)
	$(BIN)/lint-imports --no-logo --no-cache

lint: dev ## Style, types, the direction of imports and the templates of infra/
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/cfn-lint infra/*.yaml

check: lint test ## Lint and tests

audit: dev ## Ask for known vulnerabilities of every locked package (needs the network)
	$(BIN)/python requirements/audit.py $(ARGS)

fuzz: dev ## Fuzz every parser for a minute each (ARGS="--seconds 600 json booster")
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

stress-runs: dev ## Eight runs at once beside a clean in a loop, and thirty kills of a launcher
	FRAUDLAB_STRESS_RUNS=8 FRAUDLAB_STRESS_KILLS=30 $(BIN)/pytest tests/test_side_by_side.py $(ARGS)

stress-cloud: dev ## Thirty kills of the launcher of a rehearsed run, each finished by another
	FRAUDLAB_STRESS_KILLS=30 $(BIN)/pytest --timeout=3600 tests/docker/test_killed_launcher.py $(ARGS)

reference: setup ## Write docs/configuration.md, every key of a run, from the schema
	$(BIN)/python -m fraudlab.reference

# Sphinx in an environment of its own reads docstrings by importing the modules, whose packages .venv has.
docs: build/docs-env/.setup ## Site of docs/ and all docstrings in build/docs, without a reference that leads nowhere
	@rm -rf build/docs build/modules
	@PYTHONPATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		build/docs-env/bin/python -m sphinx --quiet --fail-on-warning --builder html --conf-dir docs/site \
		--doctree-dir build/docs-trees $(ARGS) . build/docs
	@echo "docs: build/docs/index.html"

build/docs-env/.setup: requirements/docs.txt | .venv/.setup
	@echo "docs: installing $$(grep -c '^[a-zA-Z0-9]' $<) packages in an environment of their own (once)"
	@rm -rf $(@D)
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps --use-pep517 -r $<
	@touch $@

lock: dev ## Resolve all locked requirements again (ARGS=--upgrade for newer versions)
	$(LOCK) $(ARGS) pyproject.toml -o requirements/launcher.txt
	$(LOCK) $(ARGS) requirements/rehearsal.in -c requirements/launcher.txt -o requirements/rehearsal.txt
	$(LOCK) $(ARGS) requirements/tune.in -c requirements/launcher.txt -c requirements/rehearsal.txt -o requirements/tune.txt
	$(LOCK) $(ARGS) requirements/dev.in -c requirements/launcher.txt -c requirements/rehearsal.txt -c requirements/tune.txt -o requirements/dev.txt
	$(LOCK) $(ARGS) requirements/awscli.in -o requirements/awscli.txt
	$(LOCK) $(ARGS) requirements/docs.in -c requirements/launcher.txt -c requirements/dev.txt -o requirements/docs.txt
	$(LOCK) $(ARGS) containers/xgboost/requirements.in -c requirements/launcher.txt -o containers/xgboost/requirements.txt
	@set -e; for name in $(COMPARATORS) models; do \
		$(LOCK) $(ARGS) benchmarks/requirements/$$name.in -o benchmarks/requirements/$$name.txt; done

bench-models: setup build/bench-models/.setup ## Compare the defaults' models with those of other learners (ARGS='--table "data=table data.path=…"')
	$(BIN)/python -m benchmarks.models $(ARGS)

bench-loop: setup ## Time a run against a bare pandas and xgboost script
	$(BIN)/python -m benchmarks.loop $(ARGS)

bench-serve: setup $(COMPARATORS:%=build/bench-%/.setup) ## Time the endpoint against other servers of XGBoost models
	$(BIN)/python -m benchmarks.serving $(ARGS)

awscli: build/awscli/.setup ## The AWS CLI that tests use, in build/awscli

build/awscli/.setup: requirements/awscli.txt | .venv/bin/python
	@echo "awscli: installing $$(grep -c '^[a-zA-Z0-9]' $<) locked packages (once)"
	@rm -rf $(@D)
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps --use-pep517 -r $<
	@touch $@

build/bench-%/.setup: benchmarks/requirements/%.txt | .venv/.setup
	@echo "$(notdir $(@D)): installing the locked packages of $* (once)"
	@rm -rf $(@D)
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps --use-pep517 -r $<
	@touch $@

soak: setup ## Requests at the limits of every format and output, in 1 GiB (ARGS="--widths 1 --only libsvm")
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-train: setup ## Time the training job against a bare xgboost script
	$(BIN)/python -m benchmarks.training $(ARGS)

bench-kill: dev ## Kill runs and uploads to Comet at seeded moments; nothing may be lost, nothing twice (ARGS="--runs 20 --syncs 10 --seed 2")
	$(BIN)/python -m benchmarks.kill $(ARGS)

bench-runs: setup ## Time the listing, the lineage and the comparison of ten thousand runs
	$(BIN)/python -m benchmarks.many_runs $(ARGS)

bench-switching: setup ## Time an endpoint that switches models under 200 connections against the same left alone
	$(BIN)/python -m benchmarks.switching $(ARGS)

bench-tracking: setup ## Time what tracking adds to a training and to a whole run (ARGS="--runs 15")
	$(BIN)/python -m benchmarks.tracking_cost $(ARGS)

bench-rehearsal: .venv/.rehearsal ## Time a rehearsed run against local mode, and the calls that a rehearsal answers
	$(BIN)/python -m benchmarks.rehearsal $(ARGS)

bench-evaluation: setup ## Time evaluation of ten million scores against scikit-learn
	$(BIN)/python -m benchmarks.evaluation $(ARGS)

bench-reasons: setup ## Time exact reason codes against XGBoost's pred_contribs
	$(BIN)/python -m benchmarks.reasons $(ARGS)

bench-calibration: setup ## Time what calibration adds to a score, in batches and row by row
	$(BIN)/python -m benchmarks.calibration_cost $(ARGS)

bench-handbook: setup ## Compare the defaults on the handbook table (ARGS="PATH_TO_TABLE")
	$(BIN)/python -m benchmarks.handbook $(ARGS)

dist: dev ## Wheel and source archive in dist/, and whether each works by itself (ARGS=--no-try: build only)
	@requirements/dist.sh $(ARGS)

release: dev ## Version, changelog, dist/ that was tried, commit and tag (VERSION=0.2.0); pushes nothing
	@$(BIN)/python requirements/release.py "$(VERSION)"

clean: ## Remove the environment and all caches; runs stay
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +
