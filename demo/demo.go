package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"toban/i18n"
	simslack "toban/sim/slack"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// Options say how the demo runs.
type Options struct {
	Program   string // the toban binary that is run as the child
	Out       io.Writer
	Log       *slog.Logger
	Lang      string        // en or ja
	Host      string        // to listen on; "" = 127.0.0.1
	Port      int           // of the guide; the next free one when taken
	Countdown time.Duration // after which the shop breaks by itself; 0 = never
}

// Run tells the story until ctx ends, and takes everything away that it made.
func Run(ctx context.Context, o Options) (err error) {
	began := time.Now()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "toban-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	guideAt, err := listen(o.Host, o.Port)
	if err != nil {
		return err
	}
	tobanAt, err := listen(o.Host, port(guideAt)+1)
	if err != nil {
		return errors.Join(err, guideAt.Close())
	}
	defer func() { err = errors.Join(err, tobanAt.Close()) }() // every child's, so that nobody else takes it in between
	listenAt, tobanPort := tobanAt.Addr().String(), port(tobanAt)
	name, here := reachable(host(guideAt)), near(host(guideAt))
	nearby, err := netip.ParseAddr(here)
	if err != nil {
		return errors.Join(err, guideAt.Close())
	}
	local, tobanURL := address(here, port(guideAt)), address(here, tobanPort)
	s := site{dir: dir, lang: o.Lang, listen: listenAt, url: address(name, tobanPort), provider: local, near: nearby, monday: mondayOf(began, loc)}
	if err := s.write(); err != nil {
		return errors.Join(err, guideAt.Close())
	}

	say := i18n.In(o.Lang)
	line := func(key string, places ...string) { fmt.Fprintln(o.Out, say.Say(key, places...)) }
	phones := simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{{SID: account, Token: token, Numbers: []string{caller}}}, CallsPerSecond: 30, People: owners(o.Lang), Zone: loc,
	})
	defer phones.Close()
	chat := newChat(o.Lang, tobanURL, local, loc)
	defer chat.Close()
	shop := &target.Shop{}
	names := named(o.Lang, o.Lang)
	g := newGuide(shop, phones, chat, func(key string, places ...string) { line(key, append(places, names...)...) })
	g.lang, g.countdown = o.Lang, o.Countdown
	g.toban = newLifeline(o.Program, dir, filepath.Join(dir, "data"), tobanURL, o.Lang, g.touch)
	if g.toban.listener, err = fileOf(tobanAt); err != nil {
		return errors.Join(err, guideAt.Close())
	}
	defer func() { err = errors.Join(err, g.toban.listener.Close()) }()
	g.api = newClient(filepath.Join(dir, "data", "toban.sock"))

	p := &page{guide: g, lang: o.Lang, toban: s.url, zone: loc, log: o.Log, secret: rand.Text(), door: door{toban: g.toban, lang: o.Lang}}
	if !isLoopback(name) {
		p.reach = address(name, port(guideAt)) + phonePath() + "?" + url.Values{phoneKey: {p.secret}}.Encode()
	}
	mux := http.NewServeMux()
	mux.Handle("/sim/slack/", chat)
	mux.Handle("/api/", chat)
	mux.Handle("/sim/", phones)
	mux.Handle("/2010-04-01/", phones)
	mux.Handle("/health", shop)
	p.routes(mux)
	own, err := netip.ParseAddrPort(guideAt.Addr().String())
	if err != nil {
		return errors.Join(err, guideAt.Close())
	}
	front := &gate{
		next: mux, host: o.Host, at: own, own: ownAddresses, secret: p.secret, number: people[you].number, away: http.HandlerFunc(p.away), page: local, lang: p.language,
	}
	server := &http.Server{Handler: front, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)}

	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		if err := server.Serve(guideAt); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	work.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	work.Go(func() error { return g.toban.run(ctx) })
	work.Go(func() error { return g.run(ctx) })
	work.Go(func() error {
		return (&prober{shop: local + "/health", events: tobanURL + "/production/events", client: &http.Client{Timeout: 2 * time.Second}, noticed: g.notice, well: func(at time.Time) { g.well(ctx, at) }}).run(ctx)
	})
	work.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-g.toban.up:
		}
		line("demo.ready", "ms", fmt.Sprint(g.toban.plug().Took.Milliseconds()))
		line("demo.people", names...)
		if o.Countdown > 0 {
			g.arm(time.Now().Add(o.Countdown))
			line("demo.auto", "n", fmt.Sprint(int(o.Countdown.Seconds())))
		}
		if p.reach != "" {
			line("demo.lan", append(names, "url", p.reach)...)
			fmt.Fprintln(o.Out, terminalCode(p.reach))
		}
		line("demo.url", "url", local)
		return nil
	})
	return work.Wait()
}

// newChat is the simulated workspace with the three people in it.
func newChat(lang, toban, self string, loc *time.Location) *simslack.Server {
	o := simslack.Options{
		Token: chatToken, SigningSecret: signingSecret, URL: self, Zone: loc,
		InteractURL: toban + "/callbacks/slack/interact", EventsURL: toban + "/callbacks/slack/events",
		Channels: []simslack.Channel{{ID: "C0ALERTS", Name: channel}},
	}
	for _, p := range people {
		o.Users = append(o.Users, simslack.User{ID: p.member, Name: p.id, RealName: p.name(lang), Email: p.id + "@example.jp"})
	}
	return simslack.New(o)
}

func owners(lang string) (out []simtwilio.Person) {
	for _, p := range people {
		out = append(out, simtwilio.Person{Name: p.name(lang), Number: p.number})
	}
	return out
}

// Program is the running binary, for the child.
func Program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	return exec.LookPath(path)
}
