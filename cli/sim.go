package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	simslack "toban/sim/slack"
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
	cmd.AddCommand(phones, e.simSlack())
	return cmd
}

func (e *env) simSlack() *cobra.Command {
	var listen, app string
	var members []string
	cmd := &cobra.Command{
		Use: "slack", Short: "A Slack workspace that nobody reads, with channels and buttons on a page", Args: cobra.NoArgs,
		Long: `Serves Slack's Web API as strictly as the real one, sends clicks and events with a signature, and shows the channels
on a page with working buttons. Point providers.slack.base_url at it.`,
		Example: `  toban sim slack --listen 127.0.0.1:9081 --app http://127.0.0.1:8080 --member matsu@example.jp --member take@example.jp
  # in the configuration:
  #   providers: { slack: { token: env:SLACK_TOKEN, signing_secret: env:SLACK_SIGNING, channel: "#general", base_url: "http://127.0.0.1:9081" } }`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			o := simslack.Options{URL: "http://" + l.Addr().String()}
			if app = strings.TrimSuffix(app, "/"); app != "" {
				o.InteractURL, o.EventsURL = app+"/callbacks/slack/interact", app+"/callbacks/slack/events"
			}
			for _, mail := range members {
				name, _, ok := strings.Cut(mail, "@")
				if !ok {
					return errors.Join(usage{fmt.Errorf("--member: %q is no mail address", mail)}, l.Close())
				}
				o.Users = append(o.Users, simslack.User{Name: name, RealName: name, Email: mail})
			}
			s := simslack.New(o)
			defer s.Close()
			fmt.Fprintf(e.out, "chat:           %s/sim/slack/\ntoken:          %s\nsigning secret: %s\n", o.URL, simslack.DemoToken, simslack.DemoSigningSecret)
			return serveUntil(cmd.Context(), l, s)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9081", "address to listen on")
	cmd.Flags().StringVar(&app, "app", "http://127.0.0.1:8080", "toban, to which clicks and events are sent; \"\" sends none")
	cmd.Flags().StringSliceVar(&members, "member", nil, "mail address of a member; may be given several times")
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
