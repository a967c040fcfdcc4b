package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) people() *cobra.Command {
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "Who can be on duty, and how they are reached", Args: cobra.NoArgs, Example: "  toban user list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			users, err := pages(cmd.Context(), e, "/api/v1/users", func(p *api.UserList) ([]api.User, string) { return p.Users, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(users)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "USER\tNAME\tCONTACTS\tREACHABLE\tWRITTEN")
			for _, u := range users {
				var contacts []string
				for _, c := range u.Contacts {
					contacts = append(contacts, c.Method+" "+c.Address)
				}
				reachable := "yes"
				if !u.Reachable {
					reachable = "no"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Name, dash(u.Title), dash(strings.Join(contacts, ", ")), reachable, dash(u.Place))
			}
			return w.Flush()
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd := &cobra.Command{Use: "user", Aliases: []string{"users"}, Short: "Who can be on duty", Example: "  toban user list"}
	cmd.AddCommand(list)
	return cmd
}

func (e *env) service() *cobra.Command {
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "What users depend on, in the order in which signals are matched", Args: cobra.NoArgs, Example: "  toban service list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			services, err := pages(cmd.Context(), e, "/api/v1/services", func(p *api.ServiceList) ([]api.Service, string) { return p.Services, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(services)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SERVICE\tNAME\tPOLICY\tTAKES\tWRITTEN")
			for _, s := range services {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, dash(s.Title), s.Policy, takes(s), dash(s.Place))
			}
			return w.Flush()
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd := &cobra.Command{Use: "service", Aliases: []string{"services"}, Short: "What users depend on", Example: "  toban service list"}
	cmd.AddCommand(list)
	return cmd
}

// takes says which signals a service takes.
func takes(s api.Service) string {
	var all []string
	for _, m := range s.Match {
		all = append(all, m.Label+m.Op+m.Value)
	}
	if s.CatchAll {
		all = append(all, "what nothing else matches")
	}
	if len(all) == 0 {
		return "what names it"
	}
	return strings.Join(all, ", ")
}

func (e *env) policy() *cobra.Command {
	var asJSON, listJSON bool
	show := &cobra.Command{
		Use: "show NAME", Short: "Who is paged, in which order", Args: cobra.ExactArgs(1), Example: "  toban policy show shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			var p api.Policy
			if err := e.call(cmd.Context(), http.MethodGet, "/api/v1/policies/"+url.PathEscape(args[0]), nil, &p); err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(p)
			}
			fmt.Fprintf(e.out, "%s  %s\nused by %s · acknowledgement holds %s · written in %s\n\n", p.Name, p.Title, dash(strings.Join(p.Services, ", ")),
				length(p.Timeout), dash(p.Place))
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "LEVEL\tPAGES\tHOW\tWAITS\tNO ANSWER")
			for n, l := range p.Levels {
				var targets []string
				for _, t := range l.Targets {
					targets = append(targets, t.Kind+" "+t.Name)
				}
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", n+1, strings.Join(targets, ", "), l.Strategy, length(l.Wait), l.OnNoAnswer)
			}
			fmt.Fprintf(w, "last\t%s %s\tfallback\t-\t-\n", p.Fallback.Kind, p.Fallback.Name)
			return w.Flush()
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	e.arguments(show, policyNames)
	list := &cobra.Command{
		Use: "list", Short: "Escalation policies by name", Args: cobra.NoArgs, Example: "  toban policy list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			policies, err := pages(cmd.Context(), e, "/api/v1/policies", func(p *api.PolicyList) ([]api.Policy, string) { return p.Policies, p.NextCursor })
			if err != nil {
				return err
			}
			if listJSON {
				return e.printJSON(policies)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "POLICY\tLEVELS\tFALLBACK\tUSED BY\tWRITTEN")
			for _, p := range policies {
				fmt.Fprintf(w, "%s\t%d\t%s %s\t%s\t%s\n", p.Name, len(p.Levels), p.Fallback.Kind, p.Fallback.Name, dash(strings.Join(p.Services, ", ")), dash(p.Place))
			}
			return w.Flush()
		},
	}
	list.Flags().BoolVar(&listJSON, "json", false, "as JSON")
	cmd := &cobra.Command{
		Use: "policy", Aliases: []string{"policies"}, Short: "Who is paged, in which order",
		Example: "  toban policy list\n  toban policy show shop",
	}
	cmd.AddCommand(list, show)
	return cmd
}
