# What can be done with a checkout; `make help` lists it. Everything sets up `.venv` by itself, and only once.

.DEFAULT_GOAL := help
.PHONY: help demo test check docs soak bench proto reference clean run-environment test-environment docs-environment \
	soak-environment

PYTEST = .venv/bin/python -m pytest
PROTO = brazil/formats/reapi_pb

help: ## show this list
	@sed -n 's/^\([a-z]*\):.* ## /  make \1\t/p' Makefile | expand -t 16

demo: run-environment ## play the whole flow with the shop of examples/workspace, in .demo
	@scripts/demo

test: test-environment ## run the tests
	$(PYTEST) -n auto -m "not slow and not soak"

check: test-environment ## check format, lint, types and layers, then run the tests and the slow ones
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pyright
	.venv/bin/lint-imports
	$(PYTEST) -n auto -m "not soak"

docs: docs-environment ## make the site of README and docs, in build/docs
	.venv/bin/sphinx-build -q -j auto -W --keep-going -c docs -d build/docs-cache . build/docs
	@echo "open build/docs/index.html"

soak: soak-environment ## run the long tests: kill storms and fuzzing; BRAZIL_FUZZ_SECONDS says how long the latter
	$(PYTEST) -m soak

bench: test-environment ## measure the budgets, against ninja; writes docs/bench.md
	.venv/bin/python -m tests.bench

proto: test-environment ## generate the message classes of the protocol again
	.venv/bin/python -m venv .venv/proto
	.venv/bin/python -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["proto"], sep="\n")' > .venv/proto/wanted.txt
	.venv/proto/bin/python -m pip install --no-input --quiet --requirement .venv/proto/wanted.txt
	cd $(PROTO) && $(CURDIR)/.venv/proto/bin/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. remote_execution.proto

reference: test-environment ## write docs/commands, docs/man and docs/schema again, from the code
	.venv/bin/python scripts/generate-reference

clean: ## remove everything that was made here
	[ ! -d .demo ] || chmod -R u+rwX .demo
	rm -rf .venv .venv.lock .demo build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find brazil tests -name __pycache__ -prune -exec rm -rf {} +

run-environment:
	@scripts/bootstrap

test-environment:
	@scripts/bootstrap tests

docs-environment:
	@scripts/bootstrap docs

soak-environment: test-environment
	@scripts/bootstrap soak
