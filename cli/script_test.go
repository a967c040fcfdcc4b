package cli_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"toban/cli"
)

// The command line as an operator uses it, one story a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOBAN_DATA", filepath.Join(e.WorkDir, "d"))
			e.Setenv("TOBAN_USER", "ann")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"toban": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
		},
	})
}

// ready waits until the toban of this script takes commands.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	socket := filepath.Join(ts.Getenv("TOBAN_DATA"), "toban.sock")
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			ts.Check(c.Close())
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("no toban answers at %s", socket)
		case <-tick.C:
		}
	}
}
