package main

import "errors"

// asExit finds the error that knows an exit status.
func asExit(err error, target *interface{ ExitCode() int }) bool { return errors.As(err, target) }
