package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

func (e *env) tokens() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Aliases: []string{"tokens"}, Short: "Keys to the API, for programs and for the command line elsewhere",
		Example: `  toban token new "deploy script" --role responder --expires 90d
  toban token list
  toban token revoke 9c1b7e40`,
	}
	cmd.AddCommand(e.tokenNew(), e.tokenList(), e.tokenRevoke())
	return cmd
}

func (e *env) tokenNew() *cobra.Command {
	in := api.TokenRequest{}
	var expires string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Make a token; it is shown this once", Args: cobra.ExactArgs(1),
		Long: `Makes a token of your account or, at the socket without an account, of the installation. It may at most what its role
says: viewer looks, responder works on incidents, manager runs a team, admin runs toban.`,
		Example: `  toban token new "deploy script" --role responder --expires 90d
  TOBAN_TOKEN=$(toban token new laptop --role viewer) toban incident list --server https://toban.example.jp`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in.Name = args[0]
			if in.Expires, err = ahead("--expires", expires, time.Now()); err != nil {
				return err
			}
			var t api.Token
			if err := e.call(cmd.Context(), http.MethodPost, "/api/v1/tokens", in, &t); err != nil {
				return err
			}
			fmt.Fprintln(e.out, t.Secret)
			fmt.Fprintf(e.err, "This is token %s (%s, expires: %s). It is shown this once; only its hash is kept.\n", begin(t.Hash), t.Role, moment(t.ExpiresAt, e.zone(cmd.Context())))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Role, "role", "viewer", "viewer, responder, manager or admin")
	cmd.Flags().StringVar(&expires, "expires", "", "when it ends: 12h, 90d, or a time (RFC 3339); never when left out")
	completeWords(cmd, "role", "viewer", "responder", "manager", "admin")
	return cmd
}

func (e *env) tokenList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "The tokens of all, by their hashes, newest first", Args: cobra.NoArgs, Example: "  toban token list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := pages(cmd.Context(), e, "/api/v1/tokens", func(p *api.TokenList) ([]api.Token, string) { return p.Tokens, p.NextCursor })
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(list)
			}
			zone := e.zone(cmd.Context())
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TOKEN\tNAME\tACCOUNT\tROLE\tMADE\tUSED\tEXPIRES\tREVOKED")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", begin(t.Hash), t.Name, dash(t.Account), t.Role, clock(t.CreatedAt, zone),
					moment(t.UsedAt, zone), moment(t.ExpiresAt, zone), moment(t.RevokedAt, zone))
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (e *env) tokenRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke TOKEN", Short: "Revoke a token by the beginning of its hash", Args: cobra.ExactArgs(1), Example: "  toban token revoke 9c1b7e40",
		RunE: func(cmd *cobra.Command, args []string) error {
			var t api.Token
			if err := e.call(cmd.Context(), http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(args[0]), nil, &t); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "token %s, %q of %s (%s), is revoked: it is refused at once, on other nodes within five seconds\n", begin(t.Hash), t.Name, owner(t), t.Role)
			return nil
		},
	}
	e.arguments(cmd, tokenHashes)
	return cmd
}

func owner(t api.Token) string {
	if t.Account == "" {
		return "the installation"
	}
	return t.Account
}

var spanShape = regexp.MustCompile(`^([0-9]{1,5})([hdw])$`)

// ahead reads a time in the future: a span from now, or RFC 3339; empty is none.
func ahead(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if m := spanShape.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, err
		}
		unit := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		return now.Add(time.Duration(n) * unit).UTC().Truncate(time.Second), nil
	}
	return instant(flag, text)
}

// moment is a time that may not be there.
func moment(t *time.Time, zone *time.Location) string {
	if t == nil {
		return "-"
	}
	return clock(*t, zone)
}
