# Everything that a clean clone needs is installed here, into .venv, by the targets that need it.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: install demo test lint bench bench-gpu clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: install
	$(RUN) manage.py demo --port $(PORT)

test: install
	$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(RUN) -m tests.on_postgresql $(ARGS)

lint: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) manage.py check

bench: install
	$(RUN) -m bench $(if $(ONLY),--only $(ONLY))

bench-gpu: install
	$(RUN) -m bench.gpu

clean:
	rm -rf $(VENV) var
