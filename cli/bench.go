package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"toban/internal/bench"
)

func (e *env) bench() *cobra.Command {
	var only, engines []string
	var quick bool
	var seconds float64
	var profile string
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure this program on this machine", Args: cobra.NoArgs,
		Long: `Measures toban as docs/performance.md describes: each figure is the median of three runs, one line each on the
standard output: name, value, unit. How it goes is told on the standard error.

It runs toban in processes of its own, on folders and databases of its own that are removed at the end; nothing leaves
this machine. Every commit is on the disk, on both engines: set TMPDIR when the temporary folder is in memory. PostgreSQL
is started from its programs (Debian's package postgresql), and is not needed with --engine sqlite.

Groups: ` + strings.Join(bench.Groups(), ", ") + `. The groups store and detect are measured only when they are named.`,
		Example: `  toban bench --quick
  toban bench --only intake --engine sqlite
  toban bench --only call,burst --seconds 10 > figures.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := bench.Options{Only: only, Engines: engines, Quick: quick, Progress: e.err}
			if err := oneOf("--only", only, bench.Groups()); err != nil {
				return err
			}
			if err := oneOf("--engine", engines, bench.Engines()); err != nil {
				return err
			}
			if cmd.Flags().Changed("seconds") {
				if seconds < 0.1 || seconds > 600 {
					return usage{errors.New("--seconds is from 0.1 to 600")}
				}
				o.Duration = time.Duration(seconds * float64(time.Second))
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			o.Program, o.Bare = []string{program}, []string{program, "bench", "bare"}
			if profile != "" {
				o.Program = []string{program, "bench", "profiled", profile}
			}
			return bench.Run(cmd.Context(), o, func(f bench.Figure) { fmt.Fprintln(e.out, f) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&only, "only", nil, "groups to measure, separated by commas; all when left out")
	f.StringSliceVar(&engines, "engine", nil, "sqlite or postgres; both when left out")
	f.BoolVar(&quick, "quick", false, "one short run of each figure, less than a minute in all")
	f.Float64Var(&seconds, "seconds", 3, "length of each measurement; 0.8 with --quick")
	f.StringVar(&profile, "cpuprofile", "", "file for the processor profile of the last toban that was measured")
	_ = f.MarkHidden("cpuprofile")
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(bench.Groups(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(bench.Engines(), cobra.ShellCompDirectiveNoFileComp))
	cmd.AddCommand(e.benchBare(), e.benchProfiled())
	return cmd
}

// oneOf checks words that a flag was given.
func oneOf(flag string, given, known []string) error {
	for _, word := range given {
		if !slices.Contains(known, word) {
			return usage{fmt.Errorf("%s: %q is none of %s", flag, word, strings.Join(known, ", "))}
		}
	}
	return nil
}

// benchBare is the server that limits.http.rate measures.
func (e *env) benchBare() *cobra.Command {
	return &cobra.Command{
		Use: "bare", Short: "Answer HTTP without doing anything", Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error { return bench.Bare(e.in, e.out) },
	}
}

// benchProfiled is any other command with its processor profile in a file.
func (e *env) benchProfiled() *cobra.Command {
	return &cobra.Command{
		Use: "profiled FILE COMMAND…", Short: "Run a command with a processor profile", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) < 2 {
				return usage{errors.New("bench profiled: a file and a command")}
			}
			file, err := os.Create(args[0])
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			if err := pprof.StartCPUProfile(file); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
			root := cmd.Root()
			root.SetArgs(args[1:])
			return root.ExecuteContext(cmd.Context())
		},
	}
}
