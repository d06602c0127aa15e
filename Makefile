PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLES := examples/cn-ogi/2021

.PHONY: demo district test lint slow explore bench docs clean

# The main job on the examples: five agencies' figures become five Word reports and a list of what is wrong.
demo: $(VENV)/installed
	$(BIN)/nianbao build $(EXAMPLES)/register.xlsx -o out/demo
	@echo
	@echo "Reports: out/demo/*.docx   Summary: out/demo/检查结果.xlsx"

# A year of an office: forty agencies from collection to the published report, step by step.
district: $(VENV)/printed
	PATH="$(CURDIR)/$(BIN):$$PATH" sh $(EXAMPLES)/district/run.sh out/district
	@echo
	@echo "Ledger: out/district/台账/第三轮/台账.xlsx   Report: out/district/汇总/望河区2023年.docx"

# Everything this machine can run; what is skipped is printed with its reason. Tests of one file stay together
# as far as that keeps all processors busy: what they share is then made once.
test: $(VENV)/tested lint
	$(BIN)/python -m pytest -n auto --dist worksteal -q

slow: $(VENV)/tested
	NIANBAO_SLOW=1 $(BIN)/python -m pytest -n auto --dist worksteal -q -m slow

# The tests of laws, with other examples each time; what fails is a mistake to mend and to keep as a case.
explore: $(VENV)/tested
	NIANBAO_EXAMPLES=explore $(BIN)/python -m pytest -n auto -q -m hypothesis

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Measurements, over an hour; `benchmarks/run.py peers` runs one. The tables are also in out/bench.md.
bench: $(VENV)/tested
	$(BIN)/python benchmarks/run.py

# What is made from other files: docs/fields.md from the schema, the templates, the example workbooks.
docs: $(VENV)/tested
	$(BIN)/python -B docs/make_fields.py
	$(BIN)/python -B templates/cn-ogi/2021/draw.py
	$(BIN)/python -B templates/cn-ogi/2021/draw_office.py
	$(BIN)/python -B examples/cn-ogi/2021/make.py
	$(BIN)/python -B examples/cn-ogi/2021/collect/make.py
	$(BIN)/python -B examples/cn-ogi/2021/district/make.py

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nianbao needs Python 3.11 or later; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

# Two of the agencies send a PDF.
$(VENV)/printed: $(VENV)/installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[pdf]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) out build dist
