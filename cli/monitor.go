package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) monitor() *cobra.Command {
	cmd := &cobra.Command{
		Use: "monitor", Aliases: []string{"monitors"}, Short: "What toban watches by itself, and how it stands",
		Example: `  toban monitor list --state down
  toban monitor show shop
  toban monitor check shop`,
	}
	cmd.AddCommand(e.monitorList(), e.monitorShow(), e.monitorCheck())
	return cmd
}

func (e *env) monitorList() *cobra.Command {
	var state, kind, service string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "Monitors with their state", Args: cobra.NoArgs,
		Example: `  toban monitor list
  toban monitor list --state down --service checkout`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := query("/api/v1/monitors", "state", state, "kind", kind, "service", service)
			list, err := pages(cmd.Context(), e, path, func(p *api.MonitorList) ([]api.Monitor, string) { return p.Monitors, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "STATE\tMONITOR\tKIND\tTARGET\tSINCE\tLAST CHECK\tWHY")
			for _, m := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", stateWord(m), m.Name, m.Kind, line(m.Target, maxTitle), moment(m.Since, zone), moment(m.LastAt, zone), dash(m.Reason))
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only those: down, unknown, up or paused")
	cmd.Flags().StringVar(&kind, "kind", "", "only those, such as http or heartbeat")
	cmd.Flags().StringVar(&service, "service", "", "only those whose alerts go there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.complete(cmd, "service", serviceNames)
	completeWords(cmd, "state", "down", "unknown", "up", "paused")
	completeWords(cmd, "kind", "http", "ping", "tcp", "dns", "certificate", "grpc", "heartbeat", "promql", "metric")
	return cmd
}

// stateWord is a state with a mark for what is in doubt.
func stateWord(m api.Monitor) string {
	if m.Doubt {
		return m.State + "?"
	}
	return m.State
}

func (e *env) monitorShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "One monitor, and its last failures", Args: cobra.ExactArgs(1), Example: "  toban monitor show shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/api/v1/monitors/" + url.PathEscape(args[0])
			var m api.Monitor
			if err := e.call(cmd.Context(), http.MethodGet, path, nil, &m); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(m)
			}
			var failed api.MonitorFailureList
			if err := e.call(cmd.Context(), http.MethodGet, path+"/failures", nil, &failed); err != nil {
				return err
			}
			return e.printMonitor(m, failed.Failures, e.zone(cmd.Context()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(cmd, monitorNames)
	return cmd
}

func (e *env) printMonitor(m api.Monitor, failed []api.MonitorFailure, zone *time.Location) error {
	fmt.Fprintf(e.out, "%s  %s since %s\n%s %s\n", m.Name, stateWord(m), moment(m.Since, zone), m.Kind, m.Target)
	if m.Message != "" {
		fmt.Fprintf(e.out, "%s: %s\n", m.Reason, m.Message)
	}
	if m.Problem != "" {
		fmt.Fprintf(e.out, "it can't be watched: %s\n", m.Problem)
	}
	fmt.Fprintf(e.out, "service %s · severity %s · written in %s\nPromQL: %s\n", dash(m.Service), m.Severity, dash(m.Place), m.Expression)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	if len(m.Places) > 0 {
		fmt.Fprintln(w, "\nLOCATION\tSTATE\tSINCE\tLAST CHECK")
	}
	for _, p := range m.Places {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Location, p.State, moment(p.Since, zone), moment(p.LastAt, zone))
	}
	if len(failed) > 0 {
		fmt.Fprintln(w, "\nFAILED\tFROM\tREASON\tMESSAGE")
	}
	for _, f := range failed {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clock(f.At, zone), f.Location, f.Reason, line(f.Message, maxTitle))
	}
	return w.Flush()
}

// errDown is the exit of a check that failed: its answer is printed already.
var errDown = errors.New("the target is not up")

func (e *env) monitorCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check NAME", Short: "Ask a monitor's target now and say what came back", Args: cobra.ExactArgs(1),
		Long:    "Asks a monitor's target now. It ends with 1 when the target is not up. The state is decided by the monitor's own checks.",
		Example: "  toban monitor check shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			var c api.MonitorCheck
			if err := e.call(cmd.Context(), http.MethodPost, "/api/v1/monitors/"+url.PathEscape(args[0])+"/check", nil, &c); err != nil {
				return err
			}
			if asJSON {
				if err := e.printJSON(c); err != nil {
					return err
				}
			} else {
				e.printCheck(c)
			}
			if !c.Up {
				return errDown
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(cmd, monitorNames)
	return cmd
}

func (e *env) printCheck(c api.MonitorCheck) {
	took := func(seconds float64) string {
		return time.Duration(seconds * float64(time.Second)).Round(100 * time.Microsecond).String()
	}
	word := "up"
	if !c.Up {
		word = "down: " + c.Reason
	}
	fmt.Fprintf(e.out, "%s in %s\n", word, took(c.Took))
	if c.Message != "" {
		fmt.Fprintln(e.out, c.Message)
	}
	var phases []string
	for _, p := range c.Phases {
		phases = append(phases, p.Name+" "+took(p.Took))
	}
	if len(phases) > 0 {
		fmt.Fprintln(e.out, strings.Join(phases, " · "))
	}
	for _, line := range c.Evidence.Tried {
		fmt.Fprintln(e.out, "  "+line)
	}
	if c.Evidence.Status != "" {
		fmt.Fprintln(e.out, c.Evidence.Status)
	}
	for _, line := range c.Evidence.Headers {
		fmt.Fprintln(e.out, "  "+line)
	}
	if c.Evidence.Body != "" {
		fmt.Fprintln(e.out, c.Evidence.Body)
	}
}
