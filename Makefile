.PHONY: build test check race lint bench bench-go ci

build:
	CGO_ENABLED=0 go build -trimpath -o bin/detect ./cmd/detect

test:
	go test ./...

check: build
	bin/detect check

race:
	CGO_ENABLED=1 go test -race -shuffle=on ./...

lint:
	go -C .ci/tools build -o ../../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	bin/golangci-lint run ./...

# The replay of a million simulated records beside two yardsticks, and the benchmarks of its parts.
bench: build
	go -C .ci/bench build -o ../../bin/bench .
	go test -c -o bin/detect.test ./cmd/detect
	bin/bench -detect bin/detect -parts bin/detect.test

bench-go:
	go test -run '^$$' -bench . -benchmem ./internal/record ./internal/source ./rules/... ./engine/... ./internal/store ./cmd/detect

ci:
	.ci/run
