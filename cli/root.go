// Package cli is toban for operators: one command a file. A command parses its
// words, makes one call and prints; what it knows about a running toban it
// learns over the API, as every other client does.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Version is the program's version, set by the build.
//
//nolint:gochecknoglobals // set by the linker, never by code
var Version = "dev"

// env is what a command may use of the world.
type env struct {
	out, err io.Writer
	in       io.Reader
	getenv   func(string) string
	data     string                 // --data
	server   string                 // --server
	token    string                 // --token: where the token is
	lang     string                 // --lang: ja or en
	given    func(flag string) bool // whether a flag of the root was given
	toban    *client                // nil until it is needed
	commands map[string]Command
	place    *time.Location // of the times that are printed; nil until it is needed
}

// Command is a command that only the program knows, not this package: it would
// bring libraries along that nothing else needs. It has flags and help of its
// own and returns the exit code.
type Command func(ctx context.Context, args []string, in io.Reader, stdout, stderr io.Writer, getenv func(string) string) int

// Main is main without the globals: it runs the command in args and returns the
// exit code: 0 done, 1 failed, 2 the words were wrong. commands are further ones
// by name; `metrics` is the one that serve runs as a child.
func Main(ctx context.Context, args []string, in io.Reader, stdout, stderr io.Writer, getenv func(string) string, commands map[string]Command) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 {
		if command := commands[args[0]]; command != nil {
			return command(ctx, args[1:], in, stdout, stderr, getenv)
		}
	}
	e := &env{in: in, out: plain{stdout}, err: stderr, getenv: getenv, commands: commands}
	root := e.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case isUsage(err):
		fmt.Fprintf(stderr, "toban: %v\nUsage: %s\nSee '%s --help'.\n", err, cmd.UseLine(), cmd.CommandPath())
		return 2
	}
	fmt.Fprintln(stderr, "toban:", err)
	return 1
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "toban",
		Short: "On-call and uptime: an outage rings phones until somebody has it",
		Long: `toban (当番, the person on duty) watches, alerts, opens incidents and rings phones
until somebody presses a key, in one binary with its own store.`,
		Example: `  toban demo                      see an outage ring three phones, no account needed
  toban init shop && toban check --config shop
  toban serve --config shop       run it
  toban simulate shop --at 2026-11-28T03:00+09:00 --config shop
  toban incident list             what is open
  toban incident ack 42           take it
  TOBAN_TOKEN=… toban incident list --server https://toban.example.jp`,
		SilenceUsage: true, SilenceErrors: true, Version: Version,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	flags := root.PersistentFlags()
	e.given = flags.Changed
	flags.StringVar(&e.data, "data", e.defaultData(), "folder of the store, the key file and the socket (mode 0700)")
	flags.StringVar(&e.server, "server", "", "address of a running toban, such as https://toban.example.jp; TOBAN_SERVER, else the socket in --data")
	flags.StringVar(&e.token, "token", "", "where the token for the server is: env:NAME or file:PATH; TOBAN_TOKEN when left out")
	flags.StringVar(&e.lang, "lang", e.defaultLang(), "language of what is printed: en or ja")
	root.AddCommand(
		e.serve(), e.demo(), e.initFolder(), e.check(), e.apply(), e.simulate(),
		e.incident(), e.oncall(), e.monitor(), e.service(), e.schedule(), e.policy(), e.people(), e.integration(), e.tokens(), e.audit(), e.status(),
		e.sim(), e.bench(), e.exporter(), e.agent(),
	)
	if e.commands[metricsCommand] != nil {
		root.AddCommand(e.metrics())
	}
	return root
}

// defaultData is TOBAN_DATA, else a folder of the user's own.
func (e *env) defaultData() string {
	if dir := e.getenv("TOBAN_DATA"); dir != "" {
		return dir
	}
	if dir := e.getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "toban")
	}
	if home := e.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "toban")
	}
	return "toban-data"
}

func (e *env) defaultLang() string {
	for _, name := range []string{"TOBAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := e.getenv(name); v != "" {
			if strings.HasPrefix(v, "ja") {
				return "ja"
			}
			return "en"
		}
	}
	return "en"
}

// usage marks an error as one of the words given.
type usage struct{ error }

func isUsage(err error) bool {
	if _, ok := err.(usage); ok { //nolint:errorlint // only a bare one is meant
		return true
	}
	text := err.Error() // cobra has no types for these
	return strings.HasPrefix(text, "unknown command") || strings.HasPrefix(text, "unknown flag") || strings.HasPrefix(text, "unknown shorthand") ||
		strings.Contains(text, "arg(s)") || strings.HasPrefix(text, "required flag") || strings.HasPrefix(text, "invalid argument") || strings.HasPrefix(text, "flag needs")
}
