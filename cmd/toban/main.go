// Command toban is the whole of toban in one binary.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // zones are part of the rules: the binary brings its own

	"toban/cli"
	"toban/detect/metrics"
)

func main() {
	// Nothing but this program knows a Prometheus: whatever links one is 8 s slower
	// to build and 40 MB larger.
	commands := map[string]cli.Command{"metrics": metrics.Main}
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, commands))
}
