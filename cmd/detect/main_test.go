package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asDetect is set in the environment of this test's program when it is started as detect.
const asDetect = "DETECT_TEST_AS_DETECT"

func TestMain(m *testing.M) {
	if os.Getenv(asDetect) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){
		"detect": main,
	})
}

// TestScripts runs the command lines of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"store":      makeStore,
			"nocontrols": noControls,
		},
		RequireExplicitExec: true,
	})
}

// exits runs a program and checks its exit status: exits STATUS PROGRAM [ARG ...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG ...]")
	}
	status := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit interface{ ExitCode() int }
		if !asExit(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		status = string(rune('0' + exit.ExitCode()))
	}
	if status != args[0] {
		ts.Fatalf("exit status %s, want %s", status, args[0])
	}
}
