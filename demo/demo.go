package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"toban/i18n"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// Options say how the demo runs.
type Options struct {
	Program string // the toban binary that is run as the child
	Out     io.Writer
	Lang    string // en or ja
	Host    string // to listen on; "" = 127.0.0.1
	Port    int    // of the page with the telephones; the next free one when taken
	Stay    bool   // go on after the story, with the telephones in the reader's hands
}

// maxPorts is how many ports are tried behind a taken one.
const maxPorts = 50

// Run plays the story and takes everything away that it made.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "toban-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	provider := simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{{SID: account, Token: token, Numbers: []string{caller}}}, CallsPerSecond: 30, People: owners(o.Lang),
	})
	defer provider.Close()
	shop := &target.Shop{}
	page, err := serve(o.Host, o.Port, provider, shop)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.stop()) }()

	listen, err := freeAddress()
	if err != nil {
		return err
	}
	if err := writeConfig(dir, o.Lang, listen, "http://"+page.address); err != nil {
		return err
	}
	began := time.Now()
	toban, err := startChild(ctx, o.Program, dir, filepath.Join(dir, "data"), "http://"+listen)
	if err != nil {
		return err
	}
	defer toban.stop()

	s := &story{
		say: i18n.In(o.Lang), out: o.Out, lang: o.Lang, shop: shop, provider: provider,
		api: newAPI(filepath.Join(dir, "data", "toban.sock")), page: "http://" + page.address + "/sim/phones",
		noticed: make(chan notice, 4),
	}
	s.line("demo.ready", "ms", fmt.Sprint(time.Since(began).Milliseconds()))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.Go((&prober{
		shop: "http://" + page.address + "/health", events: "http://" + listen + "/production/events", client: &http.Client{Timeout: 2 * time.Second}, noticed: s.notice,
	}).watcher(ctx))
	work.Go(func() error {
		defer cancel()
		if err := s.play(ctx); err != nil {
			return err
		}
		if o.Stay {
			s.line("demo.stay", "url", s.page)
			<-ctx.Done()
		}
		return nil
	})
	return work.Wait()
}

func (p *prober) watcher(ctx context.Context) func() error {
	return func() error { return p.run(ctx) }
}

func owners(lang string) (out []simtwilio.Person) {
	for _, p := range people {
		out = append(out, simtwilio.Person{Name: p.name(lang), Number: p.number})
	}
	return out
}

// pages is the listener of the telephones and the shop.
type pages struct {
	address string
	http    *http.Server
	done    chan error
}

// serve listens on the first free port from the wanted one on.
func serve(host string, port int, provider, shop http.Handler) (*pages, error) {
	if host == "" {
		host = "127.0.0.1"
	}
	var l net.Listener
	var err error
	for p := port; p < port+maxPorts; p++ {
		if l, err = net.Listen("tcp", fmt.Sprintf("%s:%d", host, p)); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("no port is free from %d on: %w", port, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/sim/", provider)
	mux.Handle("/2010-04-01/", provider)
	mux.Handle("/", shop)
	p := &pages{
		address: fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port), //nolint:forcetypeassert // it listens on tcp
		http:    &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, done: make(chan error, 1),
	}
	go func() { p.done <- p.http.Serve(l) }() // ends with stop
	return p, nil
}

func (p *pages) stop() error {
	err := p.http.Close()
	if e := <-p.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Program is the running binary, for the child.
func Program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	return exec.LookPath(path)
}
