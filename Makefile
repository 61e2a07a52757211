.PHONY: build test check race lint bench bench-go fuzz ci

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

# Every fuzz target for a minute.
fuzz:
	@for pkg in $$(go list ./...); do dir=$${pkg#detect/}; \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go 2>/dev/null | sed 's/func //'); do \
	    echo "$$dir $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 60s -fuzzminimizetime 5x ./$$dir || exit 1; \
	  done; done

ci:
	.ci/run
