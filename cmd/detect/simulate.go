package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detect/internal/simulate"
	"detect/rules/document"
	"detect/rules/template"
)

func newSimulate(s *streams) *cobra.Command {
	var (
		cfg       simulate.Config
		out       string
		duration  string
		start     string
		attacks   []string
		quiet     bool
		overwrite bool
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Write records of a make-believe tenant, with scripted attacks",
		Long: `simulate writes the audit records of a tenant that does not exist: people with offices, devices, working hours and
trips, the noise that Microsoft's own services make, and scripted attacks with a near miss beside each. The same
seed gives the same bytes.

With --out FOLDER it writes records.ndjson, truth.json (what the rules must find and what they must leave alone),
places.csv (where the make-believe addresses are) and a detect.yaml that uses it:

  detect simulate --seed 7 --attack all --out sim
  detect test --config sim/detect.yaml sim/records.ndjson

With --out FILE or without --out it writes the records alone. Attacks: ` + strings.Join(attackNames(), ", ") + `.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if duration != "" {
				us, ok := document.ParseDuration(duration)
				if !ok {
					return usageError(fmt.Errorf("--duration: %q is no length of time: write 90m, 72h or 7d", duration))
				}
				cfg.Duration = time.Duration(us) * time.Microsecond
			}
			if start != "" {
				us, err := parseWhen(start, time.Now())
				if err != nil {
					return usageError(fmt.Errorf("--start: %w", err))
				}
				cfg.Start = time.UnixMicro(us).UTC()
			}
			cfg.Attacks = attacks
			if out == "" || out == "-" {
				_, err := simulate.Write(s.out, cfg)
				return simulateError(err)
			}
			truth, err := simulateTo(out, cfg, overwrite)
			if err != nil {
				return simulateError(err)
			}
			if !quiet {
				fmt.Fprintf(s.err, "%s records, %s, %s to %s\n", template.Grouped(truth.Records), plural(len(truth.Expected), "expectation"),
					truth.Start.Format(time.DateOnly), truth.End.Format(time.DateOnly))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&cfg.Seed, "seed", 1, "`number` that decides everything")
	f.IntVar(&cfg.Records, "records", 0, "about how many records (default: a natural pace)")
	f.IntVar(&cfg.Users, "users", 0, "how many people (default 200)")
	f.StringVar(&duration, "duration", "", "how `long` a stretch, such as 7d (default 7d, or what --records takes)")
	f.StringVar(&start, "start", "", "`date` of the first records (default 2026-03-02)")
	f.StringArrayVar(&attacks, "attack", nil, "stage this `attack`, or all; may be repeated (default none)")
	f.StringVar(&cfg.Domain, "domain", "", "the tenant's mail `domain` (default contoso.example)")
	f.StringVarP(&out, "out", "o", "", "`folder` or file to write to (default standard output)")
	f.BoolVar(&overwrite, "force", false, "write into a folder or file that exists")
	f.BoolVar(&quiet, "quiet", false, "say nothing")
	return cmd
}

func attackNames() []string {
	var names []string
	for _, a := range simulate.Attacks() {
		names = append(names, a.Name)
	}
	return names
}

// simulateError tells a fault of the configuration from one of the output.
func simulateError(err error) error {
	var path *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &path), errors.Is(err, io.ErrShortWrite):
		return ioError(err)
	default:
		return usageError(err)
	}
}

// simulateTo writes to a file if out looks like one, else to a folder with all that belongs to the records.
func simulateTo(out string, cfg simulate.Config, overwrite bool) (simulate.Truth, error) {
	if filepath.Ext(out) != "" {
		return simulateFile(out, cfg, overwrite)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return simulate.Truth{}, err
	}
	truth, err := simulateFile(filepath.Join(out, "records.ndjson"), cfg, overwrite)
	if err != nil {
		return truth, err
	}
	var answers strings.Builder
	if err := truth.WriteJSON(&answers); err != nil {
		return truth, err
	}
	settings := fmt.Sprintf("org:\n  domains: [%s]\ngeo: {table: places.csv}\n", strings.Join(truth.Domains, ", "))
	for name, text := range map[string]string{
		"truth.json": answers.String(), "places.csv": string(simulate.Places()), "detect.yaml": settings,
	} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return truth, err
		}
	}
	return truth, nil
}

func simulateFile(path string, cfg simulate.Config, overwrite bool) (simulate.Truth, error) {
	mode := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if overwrite {
		mode = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	file, err := os.OpenFile(path, mode, 0o644)
	if err != nil {
		if errors.Is(err, os.ErrExist) {
			return simulate.Truth{}, fmt.Errorf("%w; --force writes over it", err)
		}
		return simulate.Truth{}, err
	}
	truth, err := simulate.Write(file, cfg)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return truth, err
}
