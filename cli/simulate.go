package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
	"toban/oncall"
	"toban/respond"
)

func (e *env) simulate() *cobra.Command {
	var folder, at, severity string
	var given []string
	var length time.Duration
	var live bool
	cmd := &cobra.Command{
		Use: "simulate SERVICE", Short: "Who would be called, how and when, if this broke?", Args: cobra.ExactArgs(1),
		Long: `Plays an incident of a service at a time of your choice and prints the timeline that would follow. It is the
same function that drives a real response; nobody is reached and nothing is written. Nobody answers unless --given says so.`,
		Example: `  toban simulate checkout --config shop
  toban simulate checkout --config shop --at 2026-11-28T03:00:00+09:00 --given matsu=busy --given "take=no answer" --given "ume=1 after 12s"
  toban simulate checkout --live --for 30m       with the overrides of the running toban`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start, err := instant("--at", at)
			if err != nil {
				return err
			}
			start = start.Truncate(time.Millisecond)
			plan := rehearsal{service: args[0], severity: severity, at: start, given: given, length: length}
			var steps []api.Step
			if live {
				steps, err = plan.ask(cmd.Context(), e)
			} else {
				steps, err = e.rehearse(folder, plan)
			}
			if err != nil {
				return err
			}
			e.printSteps(start, steps)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&folder, "config", ".", "folder of the configuration")
	f.StringVar(&at, "at", "", "when it breaks (RFC 3339); now when left out")
	f.StringVar(&severity, "severity", "critical", "critical, error, warning or info")
	f.StringArrayVar(&given, "given", nil, "how somebody meets calls: matsu=busy, \"take=no answer,1 after 20s\"; may be repeated")
	f.DurationVar(&length, "for", time.Hour, "how far to look")
	f.BoolVar(&live, "live", false, "ask the running toban instead of the folder")
	e.arguments(cmd, serviceNames)
	completeWords(cmd, "severity", "critical", "error", "warning", "info")
	return cmd
}

type rehearsal struct {
	service, severity string
	at                time.Time
	given             []string
	length            time.Duration
}

// ask plays it in the running toban.
func (r rehearsal) ask(ctx context.Context, e *env) ([]api.Step, error) {
	q := url.Values{
		"service": {r.service}, "severity": {r.severity}, "at": {r.at.Format(time.RFC3339)}, "hours": {fmt.Sprint(r.length.Hours())},
		"given": r.given, "lang": {e.lang}, "zone": {r.at.Format("-07:00")},
	}
	var out struct {
		Steps []api.Step `json:"steps"`
	}
	err := e.call(ctx, http.MethodGet, "/api/v1/forecast?"+q.Encode(), nil, &out)
	return out.Steps, err
}

// rehearse plays it from the folder alone.
func (e *env) rehearse(folder string, r rehearsal) ([]api.Step, error) {
	c, err := e.load(folder)
	if err != nil {
		return nil, err
	}
	dir, err := c.Directory()
	if err != nil {
		return nil, err
	}
	svc := dir.Service(oncall.ServiceID(r.service))
	if svc == nil {
		return nil, usage{fmt.Errorf("there is no service named %s in %s", r.service, folder)}
	}
	sev, known := oncall.ParseSeverity(r.severity)
	if !known {
		return nil, usage{fmt.Errorf("--severity: %q is none of critical, error, warning, info", r.severity)}
	}
	assume, err := api.Assumptions(r.given, dir)
	if err != nil {
		return nil, err
	}
	list, _ := respond.Rehearse(dir, respond.Rehearsal{Service: svc, Severity: sev, At: r.at, Assume: assume, Until: r.at.Add(r.length)})
	return api.Steps(list, api.Spoken{Lang: e.lang, Zone: r.at.Format("-07:00")}, dir), nil
}

// printSteps prints a timeline: when, how long after the start, what.
func (e *env) printSteps(start time.Time, steps []api.Step) {
	for _, s := range steps {
		fmt.Fprintf(e.out, "%s  %9s  %s\n", s.At.In(start.Location()).Format("2006-01-02 15:04:05"), "+"+short(s.At.Sub(start)), s.Text)
	}
	if len(steps) == 0 {
		fmt.Fprintln(e.out, e.say("cli.nothing_happens"))
	}
}

// short writes a duration as people read it: 3.2s, 1m05s, 2h10m.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
}
