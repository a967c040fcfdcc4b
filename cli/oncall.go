package cli

import (
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
			var out struct {
				At   time.Time  `json:"at"`
				Duty []api.Duty `json:"duty"`
			}
			if err := newClient(e.data).call(cmd.Context(), http.MethodGet, query("/api/v1/oncall", "at", at), nil, &out); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(out)
			}
			if len(out.Duty) == 0 {
				fmt.Fprintln(e.out, e.say("cli.no_schedule"))
				return nil
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SCHEDULE\tON DUTY\tUNTIL\tTHEN")
			for _, d := range out.Duty {
				until := "-"
				if d.Until != nil {
					until = clock(*d.Until)
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
			var made api.Override
			if err := newClient(e.data).call(cmd.Context(), http.MethodPost, "/api/v1/overrides", in, &made); err != nil {
				return err
			}
			fmt.Fprintln(e.out, made.ID)
			return nil
		},
	}
	add.Flags().StringVar(&from, "from", "", "when it begins (RFC 3339); now when left out")
	add.Flags().StringVar(&to, "to", "", "when it ends (RFC 3339)")
	add.Flags().StringVar(&in.Reason, "reason", "", "why")
	add.Flags().StringVar(&in.By, "as", e.user(), "the user who acts")
	_ = add.MarkFlagRequired("to") // fails only for a flag that does not exist

	list := &cobra.Command{
		Use: "list", Short: "Overrides that have not ended", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out struct {
				Overrides []api.Override `json:"overrides"`
			}
			if err := newClient(e.data).call(cmd.Context(), http.MethodGet, "/api/v1/overrides", nil, &out); err != nil {
				return err
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tSCHEDULE\tUSER\tFROM\tTO\tREASON")
			for _, o := range out.Overrides {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", o.ID, o.Schedule, o.User, clock(o.From), clock(o.To), o.Reason)
			}
			return w.Flush()
		},
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: "Take an override back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return newClient(e.data).call(cmd.Context(), http.MethodDelete, "/api/v1/overrides/"+url.PathEscape(args[0]), nil, nil)
		},
	}
	cmd.AddCommand(add, list, remove)
	return cmd
}

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
