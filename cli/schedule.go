package cli

import (
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) schedule() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedule", Aliases: []string{"schedules"}, Short: "Who is on duty over time",
		Example: `  toban schedule list
  toban schedule show infra --from 2026-12-01T00:00:00+09:00 --to 2027-01-01T00:00:00+09:00`,
	}
	cmd.AddCommand(e.scheduleList(), e.scheduleShow())
	return cmd
}

func (e *env) scheduleList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "Schedules by name, with who is on duty now", Args: cobra.NoArgs, Example: "  toban schedule list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := pages(cmd.Context(), e, "/api/v1/schedules", func(p *api.ScheduleList) ([]api.Schedule, string) { return p.Schedules, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SCHEDULE\tZONE\tON DUTY\tUNTIL\tWRITTEN")
			for _, s := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Zone, dash(strings.Join(s.Now.Users, ", ")), moment(s.Now.Until, located(s.Zone)), dash(s.Place))
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (e *env) scheduleShow() *cobra.Command {
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "The shifts and gaps of a schedule", Args: cobra.ExactArgs(1),
		Example: `  toban schedule show infra
  toban schedule show infra --from 2026-12-01T00:00:00+09:00 --to 2027-01-01T00:00:00+09:00`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start, err := instant("--from", from)
			if err != nil {
				return err
			}
			start = start.Truncate(time.Minute) // the pages of one list are of one span
			end := start.AddDate(0, 0, 14)
			if to != "" {
				if end, err = instant("--to", to); err != nil {
					return err
				}
			}
			var rota api.Rota
			path := query("/api/v1/schedules/"+url.PathEscape(args[0]), "from", start.Format(time.RFC3339), "to", end.Format(time.RFC3339))
			shifts, err := pages(cmd.Context(), e, path, func(p *api.Rota) ([]api.Shift, string) {
				if rota.Name == "" {
					rota = *p
				}
				return p.Shifts, p.NextCursor
			})
			if err != nil {
				return err
			}
			rota.Shifts, rota.NextCursor = shifts, ""
			if asJSON {
				return e.printJSON(rota)
			}
			return e.printRota(rota)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "when to begin (RFC 3339); now when left out")
	cmd.Flags().StringVar(&to, "to", "", "when to end (RFC 3339); two weeks later when left out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(cmd, scheduleNames)
	return cmd
}

func (e *env) printRota(r api.Rota) error {
	fmt.Fprintf(e.out, "%s  %s · written in %s\n\n", r.Name, r.Zone, dash(r.Place))
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	zone := located(r.Zone)
	fmt.Fprintln(w, "FROM\tTO\tON DUTY\tBY")
	for _, s := range r.Shifts {
		by := s.Layer
		if s.Override {
			by = "override"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clock(s.From, zone), clock(s.To, zone), s.User, dash(by))
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(w, "%s\t%s\t-\tgap: nobody\n", clock(g.From, zone), clock(g.To, zone))
	}
	return w.Flush()
}

// length writes seconds as people read them: 45s, 5m, 1h30m.
func length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	var out strings.Builder
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.of; n > 0 {
			fmt.Fprintf(&out, "%d%s", n, unit.name)
			d -= n * unit.of
		}
	}
	return dash(out.String())
}
