package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// shuffle writes the lines of a file to another in an order drawn at random from a fixed seed, in memory of a
// sixty-fourth of the file, and removes the first.
func shuffle(from, to, dir string) error {
	const parts = 64
	dice := rand.New(rand.NewPCG(1, 2))
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	var files [parts]*os.File
	var writers [parts]*bufio.Writer
	for i := range files {
		if files[i], err = os.Create(filepath.Join(dir, fmt.Sprintf("part-%d", i))); err != nil {
			return err
		}
		defer os.Remove(files[i].Name())
		defer files[i].Close()
		writers[i] = bufio.NewWriterSize(files[i], 64<<10)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		w := writers[dice.IntN(parts)]
		if _, err := w.Write(lines.Bytes()); err != nil {
			return err
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := os.Remove(from); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	for i, f := range files {
		if err := writers[i].Flush(); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		data, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		part := bytes.SplitAfter(data, []byte("\n"))
		dice.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		for _, line := range part {
			if _, err := buffered.Write(line); err != nil {
				return err
			}
		}
		if err := os.Truncate(f.Name(), 0); err != nil {
			return err
		}
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return out.Close()
}
