# `make help` lists the targets. Prerequisites: Rust (rustup or a package), Go 1.26 and make.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help build test demo bench fuzz generate check fmt clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

build: ## Build the release binary
	$(CARGO) build --locked --release --bin cronwarden

test: ## Run all tests; the first time this also builds a Kubernetes control plane (about 5 minutes on 2 cores)
	@echo "== tests against a real API server; control plane binaries that are missing are built once and cached"
	$(CARGO) test --locked
	@echo "== precision and recall over tests/data/corpus"
	@$(CARGO) test --locked --quiet --test it corpus::precision_and_recall -- --nocapture

demo: build ## Judge a mix of CronJobs in a local cluster (ONCE=1: check and exit; KUBECONFIG=...: use that cluster)
	@echo "== building the demo"
	@$(CARGO) build --locked --release --example demo
	@$(TARGET)/release/examples/demo $(if $(ONCE),--once) $(if $(DEMO_KUBECONFIG),--kubeconfig "$(DEMO_KUBECONFIG)")

# Only a KUBECONFIG that is given on the command line counts, as in `make demo KUBECONFIG=...`: one that happens to be set in
# the environment may be that of a cluster where nobody wants a demo.
ifeq ($(origin KUBECONFIG),command line)
DEMO_KUBECONFIG := $(KUBECONFIG)
endif

bench: build ## Measure; see docs/benchmarks.md
	$(CARGO) bench --locked --bench judge
	$(CARGO) bench --locked --bench cluster
	$(CARGO) bench --locked --bench lineage
	$(CARGO) bench --locked --bench ledger
	$(CARGO) bench --locked --bench admission
	$(CARGO) bench --locked --bench scan
	$(CARGO) bench --locked --bench replay

fuzz: ## Try to break what reads hostile text (TIME=60: seconds for each target); needs cargo-fuzz and a nightly toolchain
	@TIME="$(or $(TIME),60)" fuzz/run

generate: ## Generate crds/ and docs/codes.md from the code
	$(CARGO) run --locked --quiet -- crd --output crds
	GENERATE=1 $(CARGO) test --locked --quiet --test it codes::

check: ## Format, lints, documentation and the layering, without tests
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) check --locked --lib --no-default-features
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --no-deps --lib

fmt: ## Format the code
	$(CARGO) fmt

clean: ## Remove build results; the cached control plane stays
	$(CARGO) clean
