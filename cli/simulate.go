package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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
			plan := rehearsal{service: args[0], severity: severity, at: start, given: given, length: length, placed: at != ""}
			var steps []api.Step
			if live {
				plan.place(e.zone(cmd.Context()))
				steps, err = plan.ask(cmd.Context(), e)
			} else {
				steps, err = e.rehearse(cmd.Context(), folder, &plan)
			}
			if err != nil {
				return err
			}
			e.printSteps(plan, steps)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&folder, "config", ".", "folder of the configuration")
	f.StringVar(&at, "at", "", "when it breaks (RFC 3339); now when left out")
	f.StringVar(&severity, "severity", "critical", "critical, error, warning or info")
	f.StringArrayVar(&given, "given", nil, "how somebody meets calls: matsu=busy, \"take=no answer,1 after 20s\"; may be repeated")
	f.DurationVar(&length, "for", time.Hour, "how far to look; rounds that are alike are printed once")
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
	placed            bool           // at was given, with its offset
	zone              *time.Location // of the times that are printed
}

// place lets times be printed as the installation has them, unless another
// offset was asked with.
func (r *rehearsal) place(installation *time.Location) {
	r.zone = installation
	_, asked := r.at.Zone()
	if _, there := r.at.In(installation).Zone(); r.placed && asked != there {
		r.zone = time.FixedZone("", asked)
	}
}

// spoken is the zone as the sentences are asked for with.
func (r *rehearsal) spoken() string {
	if name := r.zone.String(); name != "" && name != "Local" {
		return name
	}
	return r.at.In(r.zone).Format("-07:00")
}

// ask plays it in the running toban.
func (r rehearsal) ask(ctx context.Context, e *env) ([]api.Step, error) {
	q := url.Values{
		"service": {r.service}, "severity": {r.severity}, "at": {r.at.Format(time.RFC3339)}, "hours": {fmt.Sprint(r.length.Hours())},
		"given": r.given, "lang": {e.lang}, "zone": {r.spoken()},
	}
	var out struct {
		Steps []api.Step `json:"steps"`
	}
	err := e.call(ctx, http.MethodGet, "/api/v1/forecast?"+q.Encode(), nil, &out)
	return out.Steps, err
}

// rehearse plays it from the folder alone, whose zone it takes.
func (e *env) rehearse(ctx context.Context, folder string, r *rehearsal) ([]api.Step, error) {
	c, err := e.load(ctx, folder)
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
	r.place(located(dir.Settings.Zone))
	list, _ := respond.Rehearse(dir, respond.Rehearsal{Service: svc, Severity: sev, At: r.at, Assume: assume, Until: r.at.Add(r.length)})
	return api.Steps(list, api.Spoken{Lang: e.lang, Zone: r.spoken()}, dir), nil
}

// printSteps prints a timeline: when, how long after the start, what. Rounds
// that are alike are printed once.
func (e *env) printSteps(r rehearsal, steps []api.Step) {
	all := rounds(steps)
	for i := 0; i < len(all); i++ {
		for _, s := range all[i] {
			fmt.Fprintf(e.out, "%s  %9s  %s\n", clock(s.At, r.zone), "+"+short(s.At.Sub(r.at)), s.Text)
		}
		alike := 0
		for i+alike+1 < len(all) && repeats(all[i], all[i+alike+1], i+alike+2 == len(all)) {
			alike++
		}
		if alike == 0 {
			continue
		}
		every := e.span(all[i+1][0].At.Sub(all[i][0].At))
		if i += alike; i+1 == len(all) {
			fmt.Fprintln(e.out, e.say("cli.rounds.on", "every", every))
		} else {
			fmt.Fprintln(e.out, e.say("cli.rounds.alike", "every", every, "n", strconv.Itoa(alike)))
		}
	}
	if len(steps) == 0 {
		fmt.Fprintln(e.out, e.say("cli.nothing_happens"))
	}
}

// rounds cuts a forecast where a round begins; what stands before the first one
// is a part of its own.
func rounds(steps []api.Step) (all [][]api.Step) {
	for _, s := range steps {
		if n := len(all); n == 0 || s.Kind == string(oncall.EntryRound) {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], s)
	}
	return all
}

// repeats reports whether a round goes as one before it, at the same distances;
// the last one may be cut off by the end of the forecast.
func repeats(was, is []api.Step, last bool) bool {
	if was[0].Kind != string(oncall.EntryRound) || is[0].Kind != was[0].Kind || len(is) > len(was) || len(is) < len(was) && !last {
		return false
	}
	for i := range is {
		a, b := was[i], is[i]
		if a.Kind != b.Kind || a.At.Sub(was[0].At) != b.At.Sub(is[0].At) || i > 0 && outline(a) != outline(b) {
			return false
		}
	}
	return true
}

// outline is what makes two steps the same thing done again.
func outline(s api.Step) [8]string {
	d := s.Data
	return [8]string{d.User, strings.Join(d.Users, " "), d.Target, d.Method, d.Contact, strconv.Itoa(d.Nth), d.Outcome, strconv.Itoa(d.Level)}
}

// span is a length of time in words.
func (e *env) span(d time.Duration) string {
	d = d.Round(time.Second)
	minutes, secs := strconv.Itoa(int(d/time.Minute)), strconv.Itoa(int(d%time.Minute/time.Second))
	switch {
	case d < time.Minute:
		return e.say("span.s", "n", secs)
	case d%time.Minute == 0:
		return e.say("span.min", "n", minutes)
	}
	return e.say("span.ms", "n", minutes, "m", secs)
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
