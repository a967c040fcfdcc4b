package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) oncall() *cobra.Command {
	var at string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "oncall", Short: "Who is on duty, until when, and who is next", Args: cobra.NoArgs,
		Example: `  toban oncall
  toban oncall --at 2026-11-28T03:00:00+09:00
  toban oncall override add infra ume --from 2026-11-28T18:00:00+09:00 --to 2026-11-29T09:00:00+09:00`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.DutyList
			duty, err := pages(cmd.Context(), e, query("/api/v1/oncall", "at", at), func(p *api.DutyList) ([]api.Duty, string) {
				out.At = p.At
				return p.Duty, p.NextCursor
			})
			if err != nil {
				return err
			}
			out.Duty = duty
			if asJSON {
				return e.printJSON(out)
			}
			if len(out.Duty) == 0 {
				fmt.Fprintln(e.out, e.say("cli.no_schedule"))
				return nil
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SCHEDULE\tON DUTY\tUNTIL\tTHEN")
			for _, d := range out.Duty {
				until := "-"
				if d.Until != nil {
					until = clock(*d.Until, zone)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Schedule, dash(strings.Join(d.Users, ", ")), until, dash(strings.Join(d.Next, ", ")))
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "an instant (RFC 3339) instead of now")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.AddCommand(e.override())
	return cmd
}

func (e *env) override() *cobra.Command {
	cmd := &cobra.Command{Use: "override", Short: "Put somebody on duty for a span, whoever had it"}
	var from, to string
	var preview bool
	in := api.Override{}
	add := &cobra.Command{
		Use: "add SCHEDULE USER", Short: "Add an override", Args: cobra.ExactArgs(2),
		Example: "  toban oncall override add infra ume --from 2026-11-28T18:00:00+09:00 --to 2026-11-29T09:00:00+09:00 --reason wedding",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in.Schedule, in.User = args[0], args[1]
			if in.From, err = instant("--from", from); err != nil {
				return err
			}
			if in.To, err = instant("--to", to); err != nil {
				return err
			}
			if preview {
				return e.previewOverride(cmd.Context(), in)
			}
			var made api.Override
			if err := e.call(cmd.Context(), http.MethodPost, "/api/v1/overrides", in, &made); err != nil {
				return err
			}
			fmt.Fprintln(e.out, made.ID)
			return nil
		},
	}
	add.Flags().StringVar(&from, "from", "", "when it begins (RFC 3339); now when left out")
	add.Flags().StringVar(&to, "to", "", "when it ends (RFC 3339)")
	add.Flags().StringVar(&in.Reason, "reason", "", "why")
	add.Flags().StringVar(&in.By, "as", e.user(), "the user who acts; your own when left out")
	add.Flags().BoolVar(&preview, "preview", false, "only show what it would change")
	e.arguments(add, scheduleNames, userNames)
	e.complete(add, "as", userNames)
	_ = add.MarkFlagRequired("to") // fails only for a flag that does not exist

	list := &cobra.Command{
		Use: "list", Short: "Overrides that have not ended", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := pages(cmd.Context(), e, query("/api/v1/overrides"), func(p *api.OverrideList) ([]api.Override, string) { return p.Overrides, p.NextCursor })
			if err != nil {
				return err
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSCHEDULE\tUSER\tFROM\tTO\tREASON")
			for _, o := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", o.ID, o.Schedule, o.User, clock(o.From, zone), clock(o.To, zone), o.Reason)
			}
			return w.Flush()
		},
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: "Take an override back", Args: cobra.ExactArgs(1), Example: "  toban oncall override remove ovr_01jc8k2v3w9y7x5q4r6s1t0abc",
		RunE: func(cmd *cobra.Command, args []string) error {
			var was api.Override
			if err := e.call(cmd.Context(), http.MethodDelete, "/api/v1/overrides/"+url.PathEscape(args[0]), nil, &was); err != nil {
				return err
			}
			zone := e.zone(cmd.Context())
			fmt.Fprintf(e.out, "%s is taken back: %s on %s from %s to %s\n", was.ID, was.User, was.Schedule, clock(was.From, zone), clock(was.To, zone))
			return nil
		},
	}
	e.arguments(remove, overrideIDs)
	cmd.AddCommand(add, list, remove)
	return cmd
}

// previewOverride prints the shifts of an override's span before and after.
func (e *env) previewOverride(ctx context.Context, in api.Override) error {
	var p api.Preview
	if err := e.call(ctx, http.MethodPost, "/api/v1/overrides/preview", in, &p); err != nil {
		return err
	}
	zone := e.zone(ctx)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tUSER\tFROM\tTO")
	for _, part := range []struct {
		name   string
		shifts []api.Shift
	}{{"before", p.Before}, {"after", p.After}} {
		for _, s := range part.shifts {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", part.name, s.User, clock(s.From, zone), clock(s.To, zone))
		}
	}
	for _, c := range p.Changes {
		fmt.Fprintf(w, "change\t%s\t%s\t%s\n", c.User, hours(c.Before), hours(c.After))
	}
	return w.Flush()
}

// hours writes seconds as people read how long a shift is.
func hours(seconds float64) string { return fmt.Sprintf("%.1f h", seconds/3600) }

// instant reads RFC 3339, with or without seconds; empty is now.
func instant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage{fmt.Errorf("%s: %q is no time such as 2026-11-28T03:00:00+09:00", flag, text)}
}
