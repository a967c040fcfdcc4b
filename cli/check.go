package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
	"toban/config"
)

func (e *env) check() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use: "check", Short: "Check a configuration folder, offline", Args: cobra.NoArgs,
		Long: "Reads every file below the folder and says what is wrong and how to mend it, with file, line and column.\nThe exit code is 1 when there is an error; warnings alone leave it at 0.",
		Example: `  toban check --config shop
  toban check --config shop && toban serve --config shop`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, problems := config.Inspect(folder) // also with errors: all that is wrong is told in one run
			if c != nil {
				problems = append(problems, c.Advice(time.Now())...)
				problems = append(problems, c.RuleAdvice()...)
				problems = append(problems, e.ofMetrics(cmd.Context(), c)...)
			}
			if config.Report(e.out, config.Sorted(problems)) {
				return errors.New("the configuration has errors")
			}
			fmt.Fprintln(e.out, e.say("cli.check_ok", "n", fmt.Sprint(len(c.Objects()))))
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "config", ".", "folder of the configuration")
	return cmd
}

func (e *env) apply() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use: "apply", Short: "Make a folder the configuration of a running toban", Args: cobra.NoArgs,
		Long:    "Checks the folder, then replaces all that came from files, in one step. What was made at run time (overrides, incidents) stays.",
		Example: "  toban apply --config shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.load(cmd.Context(), folder)
			if err != nil {
				return err
			}
			var in struct {
				Objects []api.Object `json:"objects"`
			}
			objects, err := c.Resolved(e.getenv)
			if err != nil {
				return err
			}
			for _, o := range objects {
				in.Objects = append(in.Objects, api.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line})
			}
			var out api.Applied
			if err := e.call(cmd.Context(), http.MethodPut, "/api/v1/configuration", in, &out); err != nil {
				return err
			}
			fmt.Fprintln(e.out, e.say("cli.applied", "n", fmt.Sprint(out.Changed), "version", fmt.Sprint(out.Version)))
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "config", ".", "folder of the configuration")
	return cmd
}

func (e *env) initFolder() *cobra.Command {
	return &cobra.Command{
		Use: "init FOLDER", Short: "Write a small configuration to start from",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage{errors.New("init needs the folder to write to, as in: toban init shop")}
			}
			return nil
		},
		Long: "Writes a folder that works as it is, with simulated phones and no account anywhere.\nA file that exists is never overwritten.",
		Example: `  toban init shop
  toban check --config shop
  toban serve --config shop`,
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			for name, body := range config.Example(e.lang) {
				if err := writeNew(filepath.Join(dir, name), body); err != nil {
					return err
				}
			}
			fmt.Fprintln(e.out, e.say("cli.init_done", "folder", dir))
			return nil
		},
	}
}

// writeNew writes a file that does not exist yet.
func writeNew(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640) //nolint:gosec // the user's own folder
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and stays as it is; choose another folder", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Close())
}
