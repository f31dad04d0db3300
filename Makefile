# Every target works on a fresh Debian machine with Go alone.
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help build demo check test race bench fuzz soak parts generate

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build bin/sepwatch
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sepwatch ./cmd/sepwatch

demo: build ## show the whole main job with nothing installed
	./bin/sepwatch demo --exit

check: ## gofmt, vet, staticcheck, the import rule, generated files
	.ci/check

test: parts ## run every test, on real servers (installed when run as root)
	.ci/test

race: parts ## run every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 .ci/test -race

bench: parts ## measure the figures of docs/performance.md, those named in FIGURES or all
	.ci/bench $(FIGURES)

fuzz: ## fuzz each target for FUZZTIME (default 5m)
	.ci/fuzz $${FUZZTIME:-5m}

soak: build parts ## the kill tests, many times over, and the fault matrix with 200 incidents a case
	SEPWATCH_SOAK=1 go test -count=1 -timeout 60m -run 'Kill' ./internal/acceptance
	SEPWATCH_SOAK=1 go test -count=1 -timeout 60m -run 'Matrix' -parallel 8 ./internal/pipeline

parts: ## install the real servers that the tests use, when run as root
	@.ci/parts

generate: ## renew generated files and goldens
	go generate ./...
