// Command toban is the whole of toban in one binary.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // zones are part of the rules: the binary brings its own

	"toban/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
