# Every target first installs what it needs into .venv; a change of the dependencies or of the C++ sources installs again.
#   make demo     train a Neural Turing Machine on the copy task, evaluate it on longer sequences, draw its memory
#   make test     the quick tests           make test-slow   the tests with large counts
#   make test-ray the tests of sweeps on Ray, which is installed for them
#   make test-extras the tests of the Hugging Face Hub, ONNX and TensorBoard, likewise
#   make release-check   builds the files of a release on Linux, installs each and trains with it
#   make sanitize the kernels with every memory access checked
#   make page     the page with networks at work, into build/page: open its index.html; needs node
#   make test-page   tests of the page, in node and Chromium       make check-page   its style and types
#   make check    style, types and layers   make bench       how long a training step takes
#   make docs     the documentation site, in build/docs, from docs/ and the docstrings; without the network once installed
#   make reliability   the tests of every promise with their full counts, and the table of how they end; an hour on two cores

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_FLAGS ?=

BIN := .venv/bin
READY := .venv/ready
PAGE_TOOLS := page/node_modules/.package-lock.json

.PHONY: setup demo test test-slow test-ray test-extras release-check sanitize
.PHONY: reliability reliability-tests reliability-sanitize reliability-fuzz reliability-table check format bench docs clean
.PHONY: page test-page check-page format-page

setup: $(READY)

$(READY): pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/tapehead/kernels/*/src/*)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --build-constraint constraints.txt -e '.[cli]' --group dev --group test
	touch $@

demo: $(READY)
	rm -rf runs/demo
	$(BIN)/tapehead train copy --model ntm --seed 1 --out runs/demo
	$(BIN)/tapehead evaluate runs/demo --sizes 20 40 60 80 100 120
	$(BIN)/tapehead evaluate runs/demo --sizes 1000 --memory-slots 2048 --sequences 32
	$(BIN)/tapehead evaluate runs/demo --sizes 10000 --memory-slots 16384 --sequences 4
	$(BIN)/tapehead plot runs/demo

# Test files in their own order: pytest-xdist would leave those of few tests, which take longest here, to the end.
test: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

test-slow: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m slow

test-ray: $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt '.[ray]'
	$(BIN)/python -m pytest -q -m ray

test-extras: $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt '.[hub,onnx,tensorboard]'
	$(BIN)/python -m pytest -q -n auto -m extras

# What is built from the sdist, not from this tree, is what others will build. All of dist/ is then as it is uploaded.
release-check: $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --group release
	$(BIN)/zizmor --quiet --offline .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/cibuildwheel --platform linux --archs x86_64 --print-build-identifiers
	rm -rf dist build/dist
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m build --outdir build/dist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/dist/*.whl
	mv build/dist/*.tar.gz dist/
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m pytest -q -n 0 -m release

# The kernels with every memory access and overflow checked, at 500 random shapes of each model; stops at the first error.
sanitize: $(READY)
	$(BIN)/cmake -S . -B build/sanitize -DSANITIZE=ON -DCMAKE_BUILD_TYPE=Debug
	$(BIN)/cmake --build build/sanitize
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	$(BIN)/python -m pytest -q -s -m "slow or not slow" -p no:cacheprovider \
	    --kernel-library build/sanitize/libtapehead$(if $(filter Darwin,$(shell uname)),.dylib,.so) tests/kernels/test_cpp_bounds.py $(RECORD)

# Each part leaves build/reliability/PART.xml, and can be made by itself, of some tests too, as `make reliability-tests
# PART=kernels TESTS=tests/kernels`; the table is made of all that lie there. A test that fails does not stop the rest.
TESTS ?= tests
PART ?= tests
record = -o junit_suite_name=$(shell git describe --always --dirty) --junitxml=build/reliability/$(1).xml

reliability: $(READY)
	rm -rf build/reliability
	-$(MAKE) reliability-tests
	-$(MAKE) reliability-sanitize
	-$(MAKE) reliability-fuzz
	$(MAKE) reliability-table

reliability-tests: $(READY)
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m "reliability and not fuzz" $(call record,$(PART)) \
	    --ignore=tests/kernels/test_cpp_bounds.py $(TESTS)

reliability-sanitize: $(READY)
	$(MAKE) sanitize RECORD='$(call record,sanitize)'

FUZZ_SECONDS ?= 600

reliability-fuzz: $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --group fuzz
	$(BIN)/python -m pytest -q -n 3 -m fuzz --fuzz-seconds=$(FUZZ_SECONDS) $(call record,fuzz) tests/fuzz

reliability-table: $(READY)
	$(BIN)/python -m tests.reliability.table

$(PAGE_TOOLS): page/package-lock.json
	@command -v npm >/dev/null || { echo "make: expected npm on the PATH, for the page (node 20 or later has it)" >&2; exit 1; }
	npm ci --prefix page --no-audit --no-fund --ignore-scripts --loglevel=error
	touch $@

page: $(READY) $(PAGE_TOOLS)
	rm -rf build/page
	$(BIN)/python page/export_weights.py build/page
	page/node_modules/.bin/esbuild page/src/main.ts --bundle --minify --target=es2022 --log-level=warning --outfile=build/page/page.js
	cp page/index.html page/style.css build/page

test-page: page
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --group page
	$(BIN)/python -m pytest -q -m page tests/page

check-page: $(PAGE_TOOLS)
	page/node_modules/.bin/tsc --project page
	page/node_modules/.bin/prettier --config page/package.json --check page tests/page

format-page: $(PAGE_TOOLS)
	page/node_modules/.bin/prettier --config page/package.json --write page tests/page

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/tapehead bench

DOCS_READY := .venv/docs-ready

docs: $(DOCS_READY)
	$(BIN)/python docs/build_site.py

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) -c constraints.txt --group docs
	touch $@

clean:
	rm -rf .venv build dist page/node_modules .pytest_cache .mypy_cache .ruff_cache .cache .import_linter_cache .cmake .skbuild-info.json
	rm -rf CMakeCache.txt CMakeFiles CMakeInit.txt cmake_install.cmake build.ninja .ninja_* src/tapehead/kernels/*.so src/tapehead/kernels/*.dylib
