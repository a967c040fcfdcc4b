package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"toban/api"
	"toban/cli"
	"toban/internal/promcheck"
)

// The command line as an operator uses it, one story a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOBAN_DATA", filepath.Join(e.WorkDir, "d"))
			e.Setenv("TOBAN_USER", "ann")
			l, err := net.Listen("tcp", "127.0.0.1:0") // a free port, for scripts that speak to a server
			if err != nil {
				return err
			}
			e.Setenv("LISTEN", l.Addr().String())
			e.Setenv("IN_A_MONTH", time.Now().Add(30*24*time.Hour).UTC().Format(time.RFC3339))
			return l.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "tokenhash": hashOf},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"toban": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, map[string]cli.Command{"metrics": metrics}))
		},
	})
}

// metrics stands for the command that runs a Prometheus, which this test does not
// link. It says what it was told, and of a file named bad.yml what is wrong.
func metrics(_ context.Context, args []string, in io.Reader, stdout, stderr io.Writer, _ func(string) string) int {
	switch {
	case slices.Equal(args, promcheck.Args()):
		var list []string
		if err := json.NewDecoder(in).Decode(&list); err != nil {
			return 2
		}
		code := 0
		for i, text := range list {
			if at := strings.Index(text, "== =="); at >= 0 {
				fmt.Fprintf(stdout, "%d:1:%d: unexpected <op:==>\n", i, at+4)
				code = 1
			}
		}
		return code
	case len(args) > 0 && args[0] == "check" && strings.Contains(strings.Join(args, " "), "bad.yml"):
		for i, arg := range args {
			if arg == "--config" {
				fmt.Fprintf(stdout, "%s:3:5: field scrape_confgs not found\n%s:7:9: no relabelling\n  | relabel_configs:\n  |   - x\n", args[i+1], args[i+1])
			}
		}
		return 1
	case len(args) > 0 && args[0] == "check":
		return 0
	case len(args) > 0 && args[0] == "--help":
		fmt.Fprintln(stdout, "usage: toban metrics --data DIR")
		return 0
	}
	fmt.Fprintln(stderr, "toban metrics: --data is missing")
	return 2
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

// hashOf puts the hash of the token with a role, among those that the last
// command listed as JSON, into a variable: tokenhash ROLE NAME.
func hashOf(ts *testscript.TestScript, _ bool, args []string) {
	var list []api.Token
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	for _, t := range list {
		if t.Role == args[0] {
			ts.Setenv(args[1], t.Hash)
			return
		}
	}
	ts.Fatalf("no token of the role %s", args[0])
}
