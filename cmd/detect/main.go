// Command detect finds what attackers do in an Office 365 tenant: it replays and follows audit logs through rules and
// raises alerts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"detect/notify/escape"

	_ "time/tzdata" // so that a machine without zone files reads schedules and prints times alike
)

// The exit statuses, a contract with scripts.
const (
	exitOK     = 0 // done, and nothing wrong
	exitFailed = 1 // a check, test or comparison failed
	exitUsage  = 2 // wrong usage, configuration or rules
	exitIO     = 3 // input or output that could not be read or written in part
)

// exitError is an error with the status that the program ends with. A nil Err has been told already.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(err error) error { return &exitError{exitUsage, err} }
func ioError(err error) error    { return &exitError{exitIO, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the program: arguments and streams in, exit status out.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&streams{in: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{exitUsage, err} // whatever cobra itself finds wrong is usage
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		fmt.Fprintln(stderr, "detect: interrupted")
		return exitIO
	}
	if exit.err != nil {
		fmt.Fprintf(stderr, "detect: %s\n", escape.Lines(exit.err.Error()))
	}
	return exit.status
}
