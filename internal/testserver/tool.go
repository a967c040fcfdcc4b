package testserver

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// toolTime bounds one run of a tool.
const toolTime = time.Minute

// Tool runs a program of the servers' packages, such as promtool, with that on
// its standard input, and returns what it says. That it fails, or is not on this
// machine, fails the test.
func Tool(t T, stdin, program string, args ...string) string {
	t.Helper()
	path, err := find(program)
	if err != nil {
		t.Fatalf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdin = environment(path), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}
