package bench

import (
	"context"
	"encoding/hex"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"toban/internal/link"
)

// linkKey is the key of a measured installation, so that a signed link can be
// made for it.
const linkKey = "746f62616e2d62656e63682d6b65792d746f62616e2d62656e63682d6b657921"

// weights measures what a first visit loads, packed, with nothing in the cache
// and with the heads of all answers: of the list, and of one incident by its
// signed link.
func (s *site) weights(ctx context.Context, cookie string, p *past) ([]Figure, error) {
	key, err := hex.DecodeString(linkKey)
	if err != nil {
		return nil, err
	}
	token := link.NewSigner(key).Make(link.Link{Incident: p.open[1].id, User: firstAccount, Expires: time.Now().Add(link.Lifetime)})
	list, err := s.weigh(ctx, "/", cookie)
	if err != nil {
		return nil, fmt.Errorf("page.list.weight: %w", err)
	}
	signed, err := s.weigh(ctx, link.Path(token), "")
	if err != nil {
		return nil, fmt.Errorf("page.signed.weight: %w", err)
	}
	return []Figure{{"page.list.weight", list, "KiB"}, {"page.signed.weight", signed, "KiB"}}, nil
}

// weigh loads a page and everything that it names, and what that names, and
// returns the KiB that came. What is on another host is an error.
func (s *site) weigh(ctx context.Context, start, cookie string) (float64, error) {
	var came atomic.Int64
	reader := newPageReader(s.child.Address, cookie)
	defer reader.close()
	reader.client.Transport = &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		return &counted{conn, &came}, err
	}}
	parts := map[string]int64{}
	loaded := []string{start}
	whole := ""
	for i := 0; i < len(loaded); i++ {
		before := came.Load()
		text, err := reader.text(ctx, loaded[i])
		if err != nil {
			return 0, err
		}
		parts[loaded[i]] = came.Load() - before
		if i == 0 {
			whole = text
		}
		names, err := named(loaded[i], text, whole)
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			if !slices.Contains(loaded, name) {
				loaded = append(loaded, name)
			}
		}
	}
	var said []string
	for _, each := range loaded[1:] {
		said = append(said, fmt.Sprintf("%s %.1f", path.Base(each), float64(parts[each])/1024))
	}
	s.r.say("weight: the page %.1f KiB, %s", float64(parts[start])/1024, strings.Join(said, ", "))
	return float64(came.Load()) / 1024, nil
}

// counted counts what is read.
type counted struct {
	net.Conn
	came *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.came.Add(int64(n))
	return n, err
}

// What makes a browser load something: an element of a page, an import of a
// script, an address in a style sheet. The signs that are for the home screen
// alone are loaded when somebody puts the page there.
var (
	element   = regexp.MustCompile(`<(?:link|script|img|source|iframe|video|audio|object|embed|use|image|input)\b[^>]*?\s(?:href|src|srcset|data|poster)="([^"]*)"`)
	notLoaded = regexp.MustCompile(`<link\b[^>]*\brel="(?:apple-touch-icon|canonical|alternate|next|prev|author|help|license)"[^>]*>`)
	imported  = regexp.MustCompile(`\b(?:from|import)\s*"([^"]+)"`)
	onDemand  = regexp.MustCompile(`\bimport\("\./([a-z-]+)\.js"\)`)
	module    = regexp.MustCompile(`\bdata-module="([a-z-]+)"`)
	styled    = regexp.MustCompile(`(?:url\(\s*["']?|@import\s+["'])([^"')]+)`)
)

// named are the paths that a file of a page makes a browser load; page is the
// page's own text.
func named(at, text, page string) (all []string, err error) {
	var names []string
	every := func(what *regexp.Regexp, in string) {
		for _, found := range what.FindAllStringSubmatch(in, -1) {
			names = append(names, html.UnescapeString(found[1]))
		}
	}
	switch path.Ext(at) {
	case ".js":
		every(imported, text)
		if strings.Contains(text, "dataset.module") { // the one that brings parts of a page to life
			for _, found := range module.FindAllStringSubmatch(page, -1) {
				names = append(names, found[1]+".js")
			}
		}
		for _, found := range onDemand.FindAllStringSubmatch(text, -1) {
			if asksFor(page, found[1]) {
				names = append(names, found[1]+".js")
			}
		}
	case ".css":
		every(styled, text)
	default:
		every(element, notLoaded.ReplaceAllString(text, ""))
	}
	base, err := url.Parse("http://toban" + at)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "data:") || strings.HasPrefix(name, "#") {
			continue // it is inside
		}
		u, err := base.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("%s names %q: %w", at, name, err)
		}
		if u.Host != base.Host || u.Scheme != base.Scheme {
			return nil, fmt.Errorf("%s loads %s, which is elsewhere", at, name)
		}
		all = append(all, u.RequestURI())
	}
	return all, nil
}

// asksFor reports whether a page has the element for which a script is loaded on
// demand: one of its name.
func asksFor(page, script string) bool {
	for _, sign := range []string{`id="` + script + `"`, "data-" + script + " ", "data-" + script + ">"} {
		if strings.Contains(page, sign) {
			return true
		}
	}
	return false
}
