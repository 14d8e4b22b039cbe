# make run    builds tilecast, with all that it needs, and starts it
# make test   passes every test
# make help   says the rest

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
GOBUILD := go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)'

# Tests that hold a browser or the whole gateway want the machine for themselves.
WHOLE := ./cmd/tilecast/... ./origin/web/...
# With the race detector, and without C, they would only say the same again, slowly.
ONCE  := -short -timeout 10m -skip 'Browser|Chromium'
# The rest is the same without C.
WITHC := ./compositor/... ./room/... ./cmd/...

.DEFAULT_GOAL := help
.PHONY: help setup build run demo test conformance bench lint fmt clean

help: ## say what there is to make
	@awk -F ': .*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup:
	@scripts/setup run

build: setup ## build bin/tilecast, installing what it needs
	@$(GOBUILD) -o bin/tilecast ./cmd/tilecast

run: build ## build and start it; ARGS='--http :9000' are its flags
	@bin/tilecast serve $(ARGS)

demo: build ## the same with four synthetic broadcasters
	@bin/tilecast demo --broadcasters 4 $(ARGS)

test: ## install what tests need and run all of them
	@scripts/setup test
	go vet ./...
	go test $$(go list ./... | grep -v -e /cmd/tilecast -e /origin/web)
	go test -p 1 -timeout 15m $(WHOLE)
	CGO_ENABLED=0 go test $(ONCE) $(WITHC)
	go test -race $(ONCE) ./...

conformance: setup ## print every rule of LL-HLS with the tests that prove it
	go test -count=1 -run TestConformance -v ./cmd/tilecast/conformance

bench: ## measure it against its peers and its goals; prints one table
	@scripts/setup bench
	go run ./cmd/tilecast/bench

lint: setup ## gofmt, go vet and staticcheck, with C and without
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt: make fmt for"; echo "$$unformatted"; exit 1; }
	go vet ./...
	CGO_ENABLED=0 go vet ./...
	go tool staticcheck ./...

fmt: ## format all Go code
	gofmt -w .

clean: ## remove what was built and fetched here; data stays
	rm -rf bin .bench .cache origin/web/node_modules origin/web/static/lib/hls.min.js
