package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what the program knows of its own making.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	SQLite  string `json:"sqlite"`
	CEL     string `json:"cel"`
}

func buildInfo() build {
	b := build{Version: "devel", Commit: "unknown", Go: runtime.Version(), SQLite: "unknown", CEL: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified {
		b.Commit += " (changed)"
	}
	for _, d := range info.Deps {
		switch d.Path {
		case "modernc.org/sqlite":
			b.SQLite = "modernc " + d.Version
		case "github.com/google/cel-go":
			b.CEL = "cel-go " + d.Version
		}
	}
	return b
}

func newVersion(s *streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Version, commit, SQLite and CEL versions",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := buildInfo()
			switch format {
			case "text":
				_, err := fmt.Fprintf(s.out, "detect %s\ncommit %s\n%s\nSQLite: %s\nCEL: %s\n", b.Version, b.Commit, b.Go, b.SQLite, b.CEL)
				return err
			case "json":
				return writeJSON(s.out, b)
			default:
				return usageError(fmt.Errorf("--format is text or json, not %q", format))
			}
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "output `format`: text or json")
	return cmd
}
