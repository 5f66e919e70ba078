# `make` alone prints what there is. Every target is a few commands that can as well be typed by hand.

CACHE   := $(or $(FAIRLEAD_CACHE),$(HOME)/.cache/fairlead)
TARGET  := $(or $(CARGO_TARGET_DIR),target)
GATEWAY := $(TARGET)/quick/fairlead-gateway

DENY_VERSION := 0.20.2
DENY         := $(CACHE)/bin/cargo-deny
OHA_VERSION  := 1.16.0
OHA          := $(CACHE)/bin/oha
FUZZ_SECONDS := 120
TEST_THREADS := 8

# A command and the Debian package that brings it.
NEEDS := cc:build-essential git:git etcd:etcd-server redis-server:redis-server pg_ctlcluster:postgresql python3:python3 node:nodejs npm:npm chromium:chromium go:golang-go nginx:nginx-light prometheus:prometheus valgrind:valgrind containerd:containerd runc:runc \
         /usr/lib/cni/bridge:containernetworking-plugins iptables:iptables conntrack:conntrack ethtool:ethtool socat:socat ip:iproute2

.NOTPARALLEL:
.PHONY: help run check test deps lint console unit loom charts deny quick instructions faults limits governance seeing strategies e2e argocd sdk clients bench generate fuzz

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1 \t/p' $(MAKEFILE_LIST) | expand -t 12

run: ## build the gateway and serve the providers of OPENAI_API_KEY, ANTHROPIC_API_KEY ..., or else examples/quickstart; prints a curl to try
	cargo build --profile quick --package fairlead-gateway --no-default-features --features console
	@if $(GATEWAY) providers >/dev/null; then exec $(GATEWAY) serve; fi; \
	echo; echo 'No provider is set (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...), so these are simulated. In another terminal:'; echo; \
	cat examples/quickstart/curl.sh; echo; \
	exec $(GATEWAY) serve --config-dir examples/quickstart

check: lint unit loom charts deny ## what needs no cluster: format, lints, unit, golden and drift tests, models of atomics, charts, dependencies

# What waits goes beside what waits: the cluster beside all that needs none. What is built meanwhile is built at low priority.
test: deps lint unit loom charts instructions ## everything
	hack/beside.sh "e2e" "faults limits seeing sdk deny"

deps: ## install the Debian packages that are missing (as root; otherwise says which line to run)
	@missing=; for need in $(NEEDS); do command -v $${need%%:*} >/dev/null || missing="$$missing $${need##*:}"; done; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "missing packages; run: sudo apt-get install -y$$missing"; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features fairlead-e2e/cluster -- -D warnings
	cargo clippy --package fairlead-gateway --no-default-features -- -D warnings

# The assets are committed, so that a build needs no Node; the tests of the crate compare where there is one.
console: ## build the pages of the console into console/dist, and check their types
	npm --prefix console/web ci --no-audit --no-fund --silent
	npm --prefix console/web run --silent build

# Most tests of the whole gateway wait rather than compute, so that there may be more of them at a time than cores.
unit:
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --workspace

# In a folder of its own: the flag is part of what everything is built with.
loom: ## what threads share, in every interleaving
	RUSTFLAGS='--cfg loom' cargo test --package fairlead-health --lib --target-dir $(TARGET)/loom -- models::

charts: ## lint and render the charts; builds helm into the cache folder at first
	charts/test.sh

# The advisory database is the one thing here that has to be fetched from a host which may be out of reach.
deny: $(DENY) ## licenses, bans, sources and advisories of the dependencies
	$(DENY) check bans licenses sources
	@if $(DENY) fetch db >/dev/null 2>&1; then $(DENY) check --disable-fetch advisories; \
	else echo "advisories: NOT RUN (database not reachable)"; fi

$(DENY):
	nice cargo install cargo-deny --version $(DENY_VERSION) --locked --debug --root $(CACHE)

# In one go, and of all members, so that everything is built once: of less of the workspace, dependencies have other features.
quick:
	cargo build --profile quick --workspace --bins --test faults --test governance --test seeing --test stores

API_SUITES := admit_table operator formats tenancy two_tenants invalid rbac status_usage kubectl console

# All members, so that dependencies keep the features they were built with for `unit`. What needs no node goes first.
e2e: quick ## a real API server, then a real node with the charts on it; $$KUBECONFIG: on that cluster instead of a node
	nice cargo test --workspace --features fairlead-e2e/cluster $(patsubst %,--test %,$(API_SUITES) upgrade cluster) --no-run
	hack/kubernetes.sh >/dev/null
	cargo test --workspace --features fairlead-e2e/cluster $(patsubst %,--test %,$(API_SUITES))
	e2e/upgrade.sh $(TARGET)/quick $(TARGET)/quick
	$(TARGET)/quick/fairlead-e2e-node -- cargo test --workspace --features fairlead-e2e/cluster --test cluster

# Not among `test`: Argo CD alone is minutes to build, where nothing is cached.
argocd: quick ## examples/argocd through the real Argo CD on a real API server; figures to target/seeing/cluster.json
	hack/kubernetes.sh kube-apiserver helm >/dev/null
	hack/argocd.sh >/dev/null
	cargo test --workspace --features fairlead-e2e/cluster --test argocd -- --nocapture

sdk: quick ## official SDKs, frameworks, coding agents and a real model against the gateway; figures to target/sdk/results.json
	sdk/run.py $(GATEWAY)

clients: quick ## of these the coding agents in full: Claude Code and Codex
	sdk/run.py $(GATEWAY) agents-in-full

instructions: quick ## what a request takes of instructions, counted by callgrind, each part within its budget; figures to target/bench/instructions.json
	$(TARGET)/quick/fairlead-bench instructions --gateway $(GATEWAY) --results $(TARGET)/bench/instructions.json

faults: quick ## every fault of a provider, in full; figures to target/faults/results.json
	rm -f $(TARGET)/faults/results.json
	cargo test --profile quick --workspace --test faults -- --include-ignored --test-threads 1

# Most of these wait rather than compute.
limits: quick ## limits that hold, shortened; figures to target/governance/results.json
	rm -f $(TARGET)/governance/results.json
	cargo test --profile quick --workspace --test governance -- --include-ignored --test-threads 3

governance: quick ## the same in full: across replicas, through crashes, to the nano-dollar
	rm -f $(TARGET)/governance/results.json
	FAIRLEAD_GOVERNANCE=full cargo test --profile quick --workspace --test governance -- --include-ignored --test-threads 1

# In full with FAIRLEAD_SEEING=full: a minute at 2,000 requests a second, a minute without the database, and a million rows.
seeing: quick ## the request log, the console in a browser, a real collector and Prometheus, what seeing costs, and that no key is seen; figures to target/seeing/results.json
	hack/collector.sh >/dev/null
	rm -f $(TARGET)/seeing/results.json
	cargo test --profile quick --workspace --test stores --test seeing -- --include-ignored --test-threads 1
	console/e2e/run.py $(GATEWAY)

strategies: ## Adaptive beside an oracle and its rivals, in simulated time and with the real gateway; figures to target/strategies/results.json
	rm -f $(TARGET)/strategies/results.json
	FAIRLEAD_STRATEGIES=full cargo test --profile quick --package fairlead-strategies -- --nocapture --test-threads 1
	FAIRLEAD_STRATEGIES=full FAIRLEAD_RESULTS=$(abspath $(TARGET))/strategies/results.json cargo test --profile quick --package fairlead-gateway --lib tests::adaptive::scenarios -- --nocapture --test-threads 1

# Nothing else may run meanwhile. With BENCH="--short" it shows that everything works, in two minutes.
bench: $(OHA) ## what a request costs beside nginx, everything on; figures to target/bench/results.json and docs/benchmarks.md
	cargo build --release --package fairlead-gateway --package fairlead-bench
	$(TARGET)/release/fairlead-bench --gateway $(TARGET)/release/fairlead-gateway --oha $(OHA) --results $(TARGET)/bench/results.json $(or $(BENCH),--markdown docs/benchmarks.md)

$(OHA):
	cargo install oha --version $(OHA_VERSION) --locked --root $(CACHE)

generate: ## write crds/manifests and docs/api.md
	cargo run --package fairlead-crds --bin crdgen

fuzz: ## fuzz each target for two minutes (nightly and cargo-fuzz; by hand)
	for target in $$(cargo +nightly fuzz list); do \
	cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; done
