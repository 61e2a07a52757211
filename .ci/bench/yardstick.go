package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/bytedance/sonic"
)

// yardstick times one way of reading every line of an NDJSON log that is in memory already, on all cores.
func yardstick(name, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var f func(line []byte) error
	switch name {
	case "map":
		f = func(line []byte) error {
			var m map[string]any
			return json.Unmarshal(line, &m)
		}
	case "scan":
		f = func(line []byte) error {
			if !sonic.Valid(line) {
				return errors.New("not valid")
			}
			if scan(line) == 0 {
				return errors.New("no members")
			}
			return nil
		}
	default:
		return fmt.Errorf("there is no yardstick %q", name)
	}
	start := time.Now()
	blocks := make(chan []byte)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		total int64
		first error
	)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			var n int64
			for block := range blocks {
				for line := range bytes.Lines(block) {
					n++
					if err := f(bytes.TrimRight(line, "\n")); err != nil {
						mu.Lock()
						first = err
						mu.Unlock()
					}
				}
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	for len(data) > 0 {
		n := min(1<<20, len(data))
		if i := bytes.IndexByte(data[n:], '\n'); i >= 0 {
			n += i + 1
		} else {
			n = len(data)
		}
		blocks <- data[:n]
		data = data[n:]
	}
	close(blocks)
	group.Wait()
	if first != nil {
		return first
	}
	return json.NewEncoder(os.Stdout).Encode(outcome{Records: total, Seconds: time.Since(start).Seconds()})
}

// scan walks a valid JSON object once and notes where the values of its members lie; it gives how many there are.
func scan(b []byte) int {
	var spans [64][2]int
	members, depth, start := 0, 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 && start > 0 {
				spans[members%len(spans)] = [2]int{start, i}
				members++
			}
		case ':':
			if depth == 1 {
				start = i + 1
			}
		case ',':
			if depth == 1 {
				spans[members%len(spans)] = [2]int{start, i}
				members++
			}
		}
	}
	return members
}
