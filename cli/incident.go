package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
	"toban/i18n"
)

func (e *env) incident() *cobra.Command {
	cmd := &cobra.Command{
		Use: "incident", Aliases: []string{"incidents", "inc"}, Short: "List, show and act on incidents",
		Example: `  toban incident list
  toban incident show 42
  toban incident create checkout "the till is on fire" --severity critical
  toban incident ack 42 --as matsu
  toban incident reassign 42 take ume --as matsu`,
	}
	cmd.AddCommand(
		e.incidentList(), e.incidentShow(), e.incidentCreate(),
		e.act("ack", "acknowledge", "Take an incident: everything stops at once", nil),
		e.act("resolve", "resolve", "Say that it is over", nil),
		e.act("renew", "renew", "Still on it: the acknowledgement begins anew", nil),
		e.act("escalate", "escalate", "Go to the next level now", nil),
		e.act("reassign", "reassign", "Page these users first, then the policy from level 1", takeUsers),
		e.act("add", "responders", "Page these users as well", takeUsers),
		e.act("policy", "policy", "Answer by another policy, from its first level", takePolicy),
		e.act("note", "notes", "Write a note on the timeline", takeText),
		e.snooze(),
	)
	return cmd
}

func (e *env) incidentList() *cobra.Command {
	var state, service, urgency, stage, text, since, until string
	var mine, asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "What is open, newest first", Args: cobra.NoArgs,
		Example: `  toban incident list
  toban incident list --mine
  toban incident list --state all --service checkout --since 2026-11-28T00:00:00+09:00 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxListed {
				return usage{fmt.Errorf("--limit is from 1 to %d", maxListed)}
			}
			pairs := []string{"state", state, "service", service, "urgency", urgency, "stage", stage, "text", text, "since", since, "until", until}
			if mine {
				pairs = append(pairs, "mine", "true")
			}
			list, err := e.incidents(cmd.Context(), limit, append(pairs, "lang", e.lang)...)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(e.out, e.say("cli.nothing_open"))
				return nil
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "#\tSTATE\tURGENCY\tSERVICE\tSINCE\tHOLDER\tNEXT\tTITLE")
			for _, inc := range list {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", inc.Number, inc.State, inc.Urgency, inc.Service,
					clock(inc.TriggeredAt, zone), dash(inc.AcknowledgedBy), next(inc, time.Now(), zone), line(i18n.In(e.lang).Title(inc.Title), maxTitle))
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "open", "open, triggered, acknowledged, resolved or all")
	f.StringVar(&service, "service", "", "only of this service")
	f.StringVar(&urgency, "urgency", "", "only high or low")
	f.StringVar(&stage, "stage", "", "only of this stage, such as production")
	f.StringVar(&text, "text", "", "only with this in the title")
	f.StringVar(&since, "since", "", "only those triggered then (RFC 3339) or later")
	f.StringVar(&until, "until", "", "only those triggered before then (RFC 3339)")
	f.BoolVar(&mine, "mine", false, "only those that you have or are paged for")
	f.IntVar(&limit, "limit", 50, "how many at most")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	e.complete(cmd, "service", serviceNames)
	completeWords(cmd, "state", "open", "triggered", "acknowledged", "resolved", "all")
	completeWords(cmd, "urgency", "high", "low")
	return cmd
}

// maxListed is how many incidents one command prints.
const maxListed = 10_000

// incidents reads a list in as many pages as it takes.
func (e *env) incidents(ctx context.Context, limit int, pairs ...string) ([]api.Incident, error) {
	const page = 200
	list := []api.Incident{}
	for cursor := ""; ; {
		var out api.IncidentList
		path := query("/api/v1/incidents", append(pairs, "limit", fmt.Sprint(min(limit-len(list), page)), "cursor", cursor)...)
		if err := e.call(ctx, http.MethodGet, path, nil, &out); err != nil {
			return nil, err
		}
		list = append(list, out.Incidents...)
		if cursor = out.NextCursor; cursor == "" || len(list) >= limit {
			return list, nil
		}
	}
}

func (e *env) incidentShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NUMBER", Short: "One incident: its timeline and what happens next", Args: cobra.ExactArgs(1),
		Example: "  toban incident show 42",
		RunE: func(cmd *cobra.Command, args []string) error {
			inc, entries, err := e.read(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(map[string]any{"incident": inc, "timeline": entries})
			}
			zone := e.zone(cmd.Context())
			e.printIncident(inc, zone)
			for _, entry := range entries {
				fmt.Fprintf(e.out, "  %s  %s\n", clock(entry.At, zone), entry.Text)
			}
			if s := inc.NextStep; s != nil {
				fmt.Fprintf(e.out, "\n%s\n", e.say("cli.next", "at", clock(s.At, zone), "why", s.Text))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(cmd, incidentNumbers)
	return cmd
}

func (e *env) read(ctx context.Context, ref string) (inc api.Incident, entries []api.Entry, err error) {
	c, err := e.client()
	if err != nil {
		return inc, nil, err
	}
	path := "/api/v1/incidents/" + url.PathEscape(ref)
	zone := zoneName(e.zone(ctx))
	if err = c.call(ctx, http.MethodGet, query(path, "lang", e.lang, "zone", zone), nil, &inc); err != nil {
		return inc, nil, err
	}
	for after := int64(0); ; {
		var page struct {
			Entries []api.Entry `json:"entries"`
		}
		if err = c.call(ctx, http.MethodGet, query(path+"/timeline", "after", fmt.Sprint(after), "limit", "1000", "lang", e.lang, "zone", zone), nil, &page); err != nil {
			return inc, nil, err
		}
		if len(page.Entries) == 0 {
			return inc, entries, nil
		}
		entries = append(entries, page.Entries...)
		after = page.Entries[len(page.Entries)-1].Seq
	}
}

func (e *env) printIncident(inc api.Incident, zone *time.Location) {
	title := i18n.In(e.lang).Title(inc.Title)
	fmt.Fprintf(e.out, "#%d  %s  %s\n%s · %s · %s · %s\n\n", inc.Number, inc.State, line(title, len(title)),
		inc.Service, inc.Severity, inc.Urgency, clock(inc.TriggeredAt, zone))
}

func (e *env) incidentCreate() *cobra.Command {
	var in api.Creation
	cmd := &cobra.Command{
		Use: "create SERVICE TITLE", Short: "Open an incident by hand; it pages as an alert would", Args: cobra.ExactArgs(2),
		Example: `  toban incident create checkout "customers report double charges" --severity critical
  toban incident create checkout drill --stage staging`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Service, in.Title = args[0], args[1]
			var inc api.Incident
			if err := e.call(cmd.Context(), http.MethodPost, "/api/v1/incidents", in, &inc); err != nil {
				return err
			}
			e.printIncident(inc, e.zone(cmd.Context()))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Severity, "severity", "critical", "critical, error, warning or info")
	cmd.Flags().StringVar(&in.Key, "key", "", "the same key on an open incident adds to it")
	cmd.Flags().StringVar(&in.Stage, "stage", "", "a stage of the gateway, such as staging")
	cmd.Flags().StringVar(&in.By, "as", "", "the user who creates it; your own when left out")
	e.arguments(cmd, serviceNames)
	e.complete(cmd, "as", userNames)
	completeWords(cmd, "severity", "critical", "error", "warning", "info")
	return cmd
}

// taking reads the words behind the number into an action.
type taking struct {
	words, example string
	read           func(in *api.Action, words []string)
	names          names // that complete the words
}

var (
	takeUsers  = &taking{"USER...", "ume", func(in *api.Action, words []string) { in.Users = words }, userNames}
	takePolicy = &taking{"POLICY", "infra", func(in *api.Action, words []string) { in.Text = words[0] }, policyNames}
	takeText   = &taking{"TEXT", "looking at the database", func(in *api.Action, words []string) { in.Text = strings.Join(words, " ") }, nil}
)

// act makes the command for one action on an incident.
func (e *env) act(name, op, short string, more *taking) *cobra.Command {
	in := api.Action{Via: "cli"}
	cmd := &cobra.Command{Use: name + " NUMBER", Short: short, Args: cobra.ExactArgs(1), Example: "  toban incident " + name + " 42 --as matsu"}
	if more != nil {
		cmd.Use, cmd.Args = name+" NUMBER "+more.words, cobra.MinimumNArgs(2)
		cmd.Example = "  toban incident " + name + " 42 " + more.example + " --as matsu"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if more != nil {
			more.read(&in, args[1:])
		}
		return e.send(cmd.Context(), args[0], op, in)
	}
	cmd.Flags().StringVar(&in.By, "as", e.user(), "the user who acts; TOBAN_USER, else your own, when left out")
	if more == nil {
		e.arguments(cmd, incidentNumbers)
	} else {
		e.arguments(cmd, incidentNumbers, more.names)
	}
	e.complete(cmd, "as", userNames)
	return cmd
}

func (e *env) snooze() *cobra.Command {
	in := api.Action{Via: "cli"}
	var length time.Duration
	cmd := &cobra.Command{
		Use: "snooze NUMBER", Short: "Take it, and be asked again later", Args: cobra.ExactArgs(1), Example: "  toban incident snooze 42 --for 4h --as matsu",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Until = time.Now().Add(length)
			return e.send(cmd.Context(), args[0], "snooze", in)
		},
	}
	e.arguments(cmd, incidentNumbers)
	cmd.Flags().StringVar(&in.By, "as", e.user(), "the user who acts; TOBAN_USER, else your own, when left out")
	e.complete(cmd, "as", userNames)
	cmd.Flags().DurationVar(&length, "for", 4*time.Hour, "how long")
	return cmd
}

func (e *env) send(ctx context.Context, ref, op string, in api.Action) error {
	var inc api.Incident
	if err := e.call(ctx, http.MethodPost, "/api/v1/incidents/"+url.PathEscape(ref)+"/"+op, in, &inc); err != nil {
		return err
	}
	e.printIncident(inc, e.zone(ctx))
	return nil
}

// user is who acts when --as is not given; "" leaves it to toban, which knows
// whose token it is and refuses an account that is nobody's user.
func (e *env) user() string { return e.getenv("TOBAN_USER") }

func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// next is what people notice next, and when: with the day where that is another
// one.
func next(inc api.Incident, now time.Time, zone *time.Location) string {
	if inc.NextStep == nil {
		return "-"
	}
	at := inc.NextStep.At.In(zone)
	layout := "15:04:05 " + zoneLayout(at)
	if at.Format(time.DateOnly) != now.In(zone).Format(time.DateOnly) {
		layout = "2006-01-02 15:04 " + zoneLayout(at)
	}
	return at.Format(layout) + " " + line(inc.NextStep.Text, maxTitle)
}
