package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) integration() *cobra.Command {
	cmd := &cobra.Command{
		Use: "integration", Aliases: []string{"integrations"}, Short: "Senders and their keys",
		Example: `  toban integration list
  toban integration key new prometheus`,
	}
	cmd.AddCommand(e.integrationList(), e.integrationKey())
	return cmd
}

func (e *env) integrationList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "Where senders come in", Args: cobra.NoArgs, Example: "  toban integration list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := pages(cmd.Context(), e, "/api/v1/integrations", func(p *api.IntegrationList) ([]api.Integration, string) { return p.Integrations, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "INTEGRATION\tDIALECT\tSERVICE\tSTAGE\tWRITTEN")
			for _, i := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", i.Name, i.Dialect, dash(i.Service), dash(i.Stage), dash(i.Place))
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (e *env) integrationKey() *cobra.Command {
	key := &cobra.Command{
		Use: "key", Short: "The keys that senders come in with",
		Example: `  toban integration key new prometheus
  toban integration key list prometheus
  toban integration key revoke prometheus 3f9a1c22`,
	}
	path := func(integration string) string {
		return "/api/v1/integrations/" + url.PathEscape(integration) + "/keys"
	}
	made := &cobra.Command{
		Use: "new INTEGRATION", Short: "Make a key; it is shown this once", Args: cobra.ExactArgs(1), Example: "  toban integration key new prometheus",
		RunE: func(cmd *cobra.Command, args []string) error {
			var k api.Key
			if err := e.call(cmd.Context(), http.MethodPost, path(args[0]), nil, &k); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "%s\n", k.Secret)
			fmt.Fprintf(e.err, "%s\n", e.say("cli.key_made", "path", k.URL))
			return nil
		},
	}
	list := &cobra.Command{
		Use: "list INTEGRATION", Short: "The keys of an integration, by their hashes", Args: cobra.ExactArgs(1), Example: "  toban integration key list prometheus",
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := pages(cmd.Context(), e, path(args[0]), func(p *api.KeyList) ([]api.Key, string) { return p.Keys, p.NextCursor })
			if err != nil {
				return err
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tMADE\tREVOKED")
			for _, k := range keys {
				fmt.Fprintf(w, "%s\t%s\t%s\n", begin(k.Hash), clock(k.CreatedAt, zone), moment(k.RevokedAt, zone))
			}
			return w.Flush()
		},
	}
	revoke := &cobra.Command{
		Use: "revoke INTEGRATION KEY", Short: "Revoke a key by the beginning of its hash", Args: cobra.ExactArgs(2),
		Example: "  toban integration key revoke prometheus 3f9a1c22",
		RunE: func(cmd *cobra.Command, args []string) error {
			var k api.Key
			if err := e.call(cmd.Context(), http.MethodDelete, path(args[0])+"/"+url.PathEscape(args[1]), nil, &k); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "key %s of integration %s, made %s, is revoked: its sender is refused within a second\n", begin(k.Hash), args[0], clock(k.CreatedAt, e.zone(cmd.Context())))
			return nil
		},
	}
	for _, cmd := range []*cobra.Command{made, list, revoke} {
		e.arguments(cmd, integrationNames)
	}
	key.AddCommand(made, list, revoke)
	return key
}

// begin is as much of a hash as people need.
func begin(hash string) string { return hash[:min(len(hash), 12)] }
