package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) audit() *cobra.Command {
	var kind, name, actor string
	var limit int
	var asJSON, whole bool
	cmd := &cobra.Command{
		Use: "audit", Short: "Who changed what, newest first", Args: cobra.NoArgs,
		Long: "The audit log has every change of what is not an incident: overrides, keys, tokens, accounts, the configuration.\nIncidents have their timelines (toban incident show).",
		Example: `  toban audit
  toban audit --kind override --changes
  toban audit --actor matsu --limit 200 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxListed {
				return usage{fmt.Errorf("--limit is from 1 to %d", maxListed)}
			}
			path := query("/api/v1/audit", "kind", kind, "name", name, "actor", actor, "limit", fmt.Sprint(min(limit, 500)))
			list, err := pagesUpTo(cmd.Context(), e, path, limit, func(p *api.AuditList) ([]api.AuditEntry, string) { return p.Entries, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "AT\tWHO\tBY\tDID\tWHAT")
			for _, a := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s %s\n", clock(a.At, zone), a.Actor, dash(a.Via), a.Action, a.Kind, a.Name)
				if whole {
					fmt.Fprintf(w, "\t\t\tbefore\t%s\n\t\t\tafter\t%s\n", compact(a.Before), compact(a.After))
				}
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", "", "only of this kind, such as override, integration_key, token, account, configuration")
	f.StringVar(&name, "name", "", "only of what has this name")
	f.StringVar(&actor, "actor", "", "only what this account did")
	f.IntVar(&limit, "limit", 50, "how many at most")
	f.BoolVar(&whole, "changes", false, "with how it was before and after")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// compact is a value as JSON on one line.
func compact(v any) string {
	if v == nil {
		return "-"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "-"
	}
	return string(raw)
}

func (e *env) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "How the running toban does, and who you are to it", Args: cobra.NoArgs,
		Example: "  toban status\n  toban status --server https://toban.example.jp --token file:token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s api.Status
			var me api.Me
			if err := e.call(cmd.Context(), http.MethodGet, "/api/v1/status", nil, &s); err != nil {
				return err
			}
			if err := e.call(cmd.Context(), http.MethodGet, "/api/v1/me", nil, &me); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(map[string]any{"status": s, "me": me})
			}
			fmt.Fprintf(e.out, "toban %s on %s, node %s, configuration %d\nyou are %s (%s), user %s\nopen: %d triggered, %d acknowledged\n", s.Version, s.Engine, s.Node,
				s.Configuration, me.Account, me.Role, dash(me.User), s.Open.Triggered, s.Open.Acknowledged)
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			for _, n := range s.Nodes {
				state := "alive"
				if !n.Alive {
					state = "gone"
				}
				fmt.Fprintf(w, "node %s\t%s\t%s\tsince %s\n", n.Name, state, n.Version, clock(n.StartedAt, located(me.Zone)))
			}
			for _, p := range s.Providers {
				fmt.Fprintf(w, "provider %s\tsent %d\trefused %d\tfailed %d, last error %s %s\n", p.Name, p.Sent, p.Refused, p.Failed, moment(p.LastError, located(me.Zone)), p.LastCode)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
