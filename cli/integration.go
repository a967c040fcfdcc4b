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
	key := &cobra.Command{
		Use: "key", Short: "The keys that senders come in with",
		Example: `  toban integration key new prometheus
  toban integration key list prometheus
  toban integration key revoke prometheus 3f9a1c22`,
	}
	key.AddCommand(
		&cobra.Command{
			Use: "new INTEGRATION", Short: "Make a key; it is shown this once", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				var k api.Key
				if err := newClient(e.data).call(cmd.Context(), http.MethodPost, "/api/v1/integrations/"+url.PathEscape(args[0])+"/keys", nil, &k); err != nil {
					return err
				}
				fmt.Fprintf(e.out, "%s\n", k.Secret)
				fmt.Fprintf(e.err, "%s\n", e.say("cli.key_made", "path", k.URL))
				return nil
			},
		},
		&cobra.Command{
			Use: "list INTEGRATION", Short: "The keys of an integration, by their hashes", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				var out struct {
					Keys []api.Key `json:"keys"`
				}
				if err := newClient(e.data).call(cmd.Context(), http.MethodGet, "/api/v1/integrations/"+url.PathEscape(args[0])+"/keys", nil, &out); err != nil {
					return err
				}
				w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "KEY\tMADE\tREVOKED")
				for _, k := range out.Keys {
					revoked := "-"
					if k.RevokedAt != nil {
						revoked = clock(*k.RevokedAt)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", k.Hash[:12], clock(k.CreatedAt), revoked)
				}
				return w.Flush()
			},
		},
		&cobra.Command{
			Use: "revoke INTEGRATION KEY", Short: "Revoke a key by the beginning of its hash", Args: cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				path := "/api/v1/integrations/" + url.PathEscape(args[0]) + "/keys/" + url.PathEscape(args[1])
				return newClient(e.data).call(cmd.Context(), http.MethodDelete, path, nil, nil)
			},
		},
	)
	cmd := &cobra.Command{Use: "integration", Short: "Senders and their keys"}
	cmd.AddCommand(key)
	return cmd
}
