package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"toban/config"
	"toban/detect/agent"
	"toban/detect/probe"
)

// agentFlags are what `toban agent` was told.
type agentFlags struct {
	keyFile, ca, source, level, state string
	secrets                           []string
	insecure, check                   bool
}

func (e *env) agent() *cobra.Command {
	var f agentFlags
	cmd := &cobra.Command{
		Use: "agent", Short: "Ask targets from another place, for a toban elsewhere",
		Long: `Asks what monitors with this location are about, and tells the toban at --server what came back. It decides nothing:
alerts, incidents and pages are there.

The key says which location it is. It is one of an integration such as

  locations:    { osaka: { reference: { ping: 192.0.2.1 } } }
  integrations: { osaka: { dialect: agent, location: osaka } }

and is made with: toban integration key new osaka

Monitors may name secrets, as in headers: { X-Api-Key: env:SHOP_KEY }. What such a reference stands for never leaves a
machine: this one reads its own variables and files, and those alone that --secret names.

While the server is away it goes on with the list that it has, and sends what is still of use afterwards. With --state
it has the list also after a start meanwhile; no secret is in there. The key is read again before each question for the
list, every three seconds.`,
		Example: `  toban agent --server https://toban.example.jp --key-file /etc/toban-agent/key --check
  toban agent --server https://toban.example.jp --key-file /etc/toban-agent/key
  TOBAN_AGENT_KEY=… toban agent --server https://toban.example.jp --secret env:SHOP_KEY --secret file:/etc/ssl/shop-ca.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var level slog.Level
			if err := level.UnmarshalText([]byte(f.level)); err != nil {
				return usage{fmt.Errorf("--log: %q is none of debug, info, warn, error", f.level)}
			}
			return e.runAgent(cmd.Context(), f, slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level})))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.keyFile, "key-file", "", "file with the key of the location; the key itself in TOBAN_AGENT_KEY when left out")
	flags.StringVar(&f.ca, "ca", "", "file with the certificates (PEM) that vouch for the server, instead of the system's")
	flags.BoolVar(&f.insecure, "insecure-http", false, "let the server be http:// where it is not on this machine: others on the way can read the key")
	flags.StringArrayVar(&f.secrets, "secret", nil, "a reference that monitors may name, env:NAME or file:/path; once for each")
	flags.StringVar(&f.source, "source", "", "local address to ask targets from")
	flags.StringVar(&f.state, "state", "", "folder that keeps the list for a start while the server is away; that of systemd's service when left out, else none")
	flags.BoolVar(&f.check, "check", false, "ask the server for the list once, say what there is to ask, and end")
	flags.StringVar(&f.level, "log", "info", "debug, info, warn or error")
	return cmd
}

// agentServer is the address of the core.
func (e *env) agentServer(f agentFlags) (string, error) {
	server := e.server
	if server == "" {
		server = e.getenv("TOBAN_SERVER")
	}
	u, err := url.Parse(server)
	switch {
	case server == "":
		return "", usage{errors.New("an agent needs --server, the address of a toban such as https://toban.example.jp")}
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", usage{errors.New("--server is no address such as https://toban.example.jp")}
	case u.Scheme == "http" && !f.insecure && !loopback(u.Hostname()):
		return "", usage{fmt.Errorf("%s is not encrypted, and others on the way could read the key; use https, or say --insecure-http", u.Host)}
	}
	return strings.TrimRight(server, "/"), nil
}

// agentKey is where the key is read from, each time anew.
func (e *env) agentKey(f agentFlags) func() (string, error) {
	return func() (string, error) {
		key := e.getenv("TOBAN_AGENT_KEY")
		if f.keyFile != "" {
			var err error
			if key, err = config.ResolveRef("file:"+f.keyFile, e.getenv); err != nil {
				return "", err
			}
		}
		if key = strings.TrimSpace(key); key == "" {
			return "", errors.New("there is none: give --key-file FILE, or set TOBAN_AGENT_KEY")
		}
		if strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) || len(key) > 512 {
			return "", errors.New("it is no key: one has letters, digits and signs in a line")
		}
		return key, nil
	}
}

// agentSecrets are the references that may be read.
func agentSecrets(f agentFlags) ([]string, error) {
	for _, ref := range f.secrets {
		scheme, name, _ := strings.Cut(ref, ":")
		if name == "" || scheme != "env" && scheme != "file" || scheme == "file" && !strings.HasPrefix(name, "/") {
			return nil, usage{fmt.Errorf("--secret: %q is neither env:NAME nor file:/path", ref)}
		}
		if name == "TOBAN_AGENT_KEY" || scheme == "file" && name == f.keyFile {
			return nil, usage{errors.New("--secret: the key of the agent is for nobody else")}
		}
	}
	return f.secrets, nil
}

// agentWay carries what goes to the server.
func agentWay(f agentFlags) (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if f.ca == "" {
		return t, nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s has no certificate", f.ca)
	}
	t.TLSClientConfig.RootCAs = roots
	return t, nil
}

func (e *env) runAgent(ctx context.Context, f agentFlags, log *slog.Logger) error {
	server, err := e.agentServer(f)
	if err != nil {
		return err
	}
	key := e.agentKey(f)
	if _, err := key(); err != nil {
		return fmt.Errorf("the key: %w", err)
	}
	secrets, err := agentSecrets(f)
	if err != nil {
		return err
	}
	if f.source != "" {
		if _, err := netip.ParseAddr(f.source); err != nil {
			return usage{fmt.Errorf("--source: %q is no address such as 192.0.2.7", f.source)}
		}
	}
	if f.state == "" {
		f.state, _, _ = strings.Cut(e.getenv("STATE_DIRECTORY"), ":")
	}
	if f.state != "" {
		if info, err := os.Stat(f.state); err != nil || !info.IsDir() {
			return usage{fmt.Errorf("--state: %q is no folder", f.state)}
		}
	}
	way, err := agentWay(f)
	if err != nil {
		return err
	}
	pinger := probe.NewPinger()
	defer func() { _ = pinger.Close() }() // the process ends
	a := agent.New(agent.Options{
		Server: server, Key: key, Secrets: secrets, Resolve: func(ref string) (string, error) { return config.ResolveRef(ref, e.getenv) },
		Probe: probe.Options{Source: f.source, Pinger: pinger}, Transport: way, Version: Version, Folder: f.state, Log: log,
	})
	if f.check {
		return e.checkAgent(ctx, a)
	}
	fmt.Fprintf(e.err, "toban %s: an agent of %s\n", Version, server)
	return a.Run(ctx)
}

// checkAgent says what there is to ask.
func (e *env) checkAgent(ctx context.Context, a *agent.Agent) error {
	s, err := a.Check(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "location %s: %d monitors, %d references\n", s.Location, s.Monitors, s.References)
	for _, id := range slices.Sorted(maps.Keys(s.Problems)) {
		fmt.Fprintf(e.out, "%s can't be asked from here: %s\n", id, s.Problems[id])
	}
	if len(s.Problems) > 0 {
		return fmt.Errorf("%d of them can't be asked from here", len(s.Problems))
	}
	return nil
}
