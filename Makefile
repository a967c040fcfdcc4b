# toban's verbs. `make` alone lists them.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X toban/cli.Version=$(VERSION)
# One set of build flags for everything, so that tests and the program share the build cache.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -buildvcs=false

TOOL     := go tool -modfile=tools/go.mod
KILLS    ?= 300
FUZZTIME ?= 30s

.PHONY: help build demo test lint gen bench bench-quick chaos fuzz dist deb image-check clean servers drift

build: ## compile bin/toban
	@began=$$(date +%s%N); \
	go build -ldflags "$(LDFLAGS)" -o bin/toban ./cmd/toban; \
	awk -v ns=$$(( $$(date +%s%N) - began )) 'BEGIN { printf "built bin/toban in %.1f s\n", ns / 1e9 }'

demo: build ## an outage from end to end in a browser, with no account anywhere; HOST=0.0.0.0 lets telephones in
	@bin/toban demo $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

test: servers drift lint ## everything that has to hold before a change goes in
	go vet ./...
	go test -timeout 12m $$(go list ./... | grep -v '/e2e/browser$$')
	go test -timeout 12m ./e2e/browser # by itself: beside a browser, tests in real time see a busy machine

lint: ## formatting and static checks (.golangci.yml)
	$(TOOL) golangci-lint run ./...

gen: ## write generated code anew
	go generate ./...

bench: build ## the figures of docs/performance.md; ONLY=store for one group
	@bin/toban bench $(if $(ONLY),--only $(ONLY))

bench-quick: build ## one short run of each figure, under a minute
	@bin/toban bench --quick $(if $(ONLY),--only $(ONLY))

chaos: servers ## kill toban at random moments: KILLS=300 SEED=…
	TOBAN_CHAOS_KILLS=$(KILLS) TOBAN_CHAOS_SEED=$(SEED) go test -count=1 -timeout 60m -v -run TestKilledAnywhere ./e2e/chaos

fuzz: ## every fuzz function, FUZZTIME=30s each
	@tools/fuzz.sh $(FUZZTIME)

dist: ## archives, packages and checksums for others in dist/; PLATFORMS="linux/amd64 …"
	@tools/dist.sh $(PLATFORMS)

deb: ## dist/toban_VERSION_ARCH.deb for this machine; ARCH=arm64 for another
	@tools/deb.sh $(if $(ARCH),$(ARCH),$$(go env GOARCH))

image-check: build servers ## deploy/: container, compose, Kubernetes, Helm, Grafana, systemd and package, by the tools' own parsers and schemas
	cd tools/deploycheck && TOBAN_BINARY=$(CURDIR)/bin/toban go test -count=1 ./...

clean: ## remove what was built
	rm -rf bin dist
	go clean -testcache

help:
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Parts of test, without a verb of their own.
servers:
	@tools/servers.sh

drift:
	@tools/drift.sh
