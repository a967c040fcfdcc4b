package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
		Use: "list", Short: "Monitors with what is wrong with them, the worst ones first", Args: cobra.NoArgs,
		Example: `  toban monitor list
  toban monitor list --state down --service checkout`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := query("/api/v1/monitors", "state", state, "kind", kind, "service", service)
			list, err := pages(cmd.Context(), e, path, func(p *api.MonitorList) ([]api.Monitor, string) { return p.Monitors, p.NextCursor })
			if err != nil {
				return err
			}
			worstFirst(list)
			if asJSON {
				return e.printJSON(list)
			}
			return e.printMonitors(list, e.zone(cmd.Context()))
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

// worstFirst sorts monitors as the page does: by state, those that broke last
// first, and before others of their state those that something is wrong with.
func worstFirst(list []api.Monitor) {
	rank := func(m *api.Monitor) int {
		n := 2 * slices.Index([]string{"down", "unknown", "up", "paused"}, m.State)
		if m.State != "down" && m.Problem == "" && !m.Doubt {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b api.Monitor) int {
		if by := rank(&a) - rank(&b); by != 0 || a.State != "down" || a.Since == nil || b.Since == nil {
			return by
		}
		return b.Since.Compare(*a.Since)
	})
}

func (e *env) printMonitors(list []api.Monitor, zone *time.Location) error {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tSINCE\tMONITOR\tKIND\tSERVICE\tLAST CHECK\tWHAT IS WRONG")
	for _, m := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", stateWord(m), moment(m.Since, zone), m.Name, m.Kind, dash(m.Service), moment(m.LastAt, zone), dash(wrongWith(m)))
	}
	return w.Flush()
}

// wrongWith says in short what is wrong with a monitor, "" for nothing.
func wrongWith(m api.Monitor) string {
	const most = 80 // characters
	why := line(m.Message, most)
	if why == "" {
		why = m.Reason
	}
	switch {
	case m.State == "down" && why != "":
		return why
	case m.Problem != "" && m.State == "up": // from some locations it is
		return "not watched as it should be: " + line(m.Problem, most)
	case m.Problem != "":
		return "can't be watched: " + line(m.Problem, most)
	case m.Doubt:
		return "being confirmed: " + why
	case m.State == "unknown" && m.LastAt == nil && m.Kind == "heartbeat":
		return "it has never reported"
	case m.State == "unknown" && m.LastAt == nil:
		return "no result has come yet"
	}
	return ""
}

// stateWord is a state with a mark for what is in doubt.
func stateWord(m api.Monitor) string {
	if m.Doubt {
		return m.State + "?"
	}
	return m.State
}

// errDown is the exit of a check that failed: its answer is printed already.
var errDown = errors.New("the target is not up")

func (e *env) monitorCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check NAME", Short: "Ask a monitor's target now and say what came back", Args: cobra.ExactArgs(1),
		Long:    "Asks a monitor's target now, from where toban runs; other locations answer at their next turn. It ends with 1 when the target is not up. The state is decided by the monitor's own checks.",
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
	word := "up"
	if !c.Up {
		word = "down: " + c.Reason
	}
	fmt.Fprintf(e.out, "%s in %s\n", word, tookWords(c.Took))
	if c.Message != "" {
		fmt.Fprintln(e.out, c.Message)
	}
	var phases []string
	for _, p := range c.Phases {
		phases = append(phases, p.Name+" "+tookWords(p.Took))
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
