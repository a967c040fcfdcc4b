package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	simtwilio "toban/sim/twilio"
)

func (e *env) sim() *cobra.Command {
	var listen, token string
	var numbers []string
	phones := &cobra.Command{
		Use: "twilio", Short: "A telephone provider that rings nobody, with phones on a page", Args: cobra.NoArgs,
		Long: `Serves Twilio's voice API as strictly as the real one, calls back, and shows every phone on a page with keys.
Point providers.twilio.base_url at it.`,
		Example: `  toban sim twilio --listen 127.0.0.1:9080
  # in the configuration:
  #   providers: { twilio: { account: env:TWILIO_SID, token: env:TWILIO_TOKEN, from: ["+815000000000"], base_url: "http://127.0.0.1:9080" } }`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := simtwilio.Options{CallsPerSecond: 30}
			if token != "" {
				o.Accounts = []simtwilio.Account{{SID: simtwilio.DemoSID, Token: token, Numbers: numbers}}
			} else {
				token = simtwilio.DemoToken
			}
			s := simtwilio.New(o)
			defer s.Close()
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "phones:  http://%s/sim/phones\naccount: %s\ntoken:   %s\nnumbers: %v\n", l.Addr(), simtwilio.DemoSID, token, numbers)
			return serveUntil(cmd.Context(), l, s)
		},
	}
	phones.Flags().StringVar(&listen, "listen", "127.0.0.1:9080", "address to listen on")
	phones.Flags().StringVar(&token, "token", "", "auth token of the account; the simulator's own when left out")
	phones.Flags().StringSliceVar(&numbers, "from", []string{simtwilio.DemoNumber}, "numbers that may call")
	cmd := &cobra.Command{Use: "sim", Short: "Simulated providers, for trying things out"}
	cmd.AddCommand(phones)
	return cmd
}

// serveUntil serves h on l until ctx ends.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }() // ends with Close
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	err := server.Close()
	if e := <-done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
