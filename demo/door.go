package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// door signs the reader in to the child's own pages: it makes the first account
// by the set-up link that the child prints, as an operator would, and keeps the
// session.
type door struct {
	toban *lifeline
	lang  string

	mu   sync.Mutex
	kept []*http.Cookie
}

var errNoSetUp = errors.New("toban printed no set-up link")

// cookies are those of the session.
func (d *door) cookies(ctx context.Context) ([]*http.Cookie, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) > 0 {
		return d.kept, nil
	}
	secret := d.toban.setupSecret()
	if secret == "" {
		return nil, errNoSetUp
	}
	password := rand.Text()
	form := url.Values{"account": {people[you].id}, "password": {password}, "again": {password}, "language": {d.lang}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.toban.url+setUp+secret, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) == 0 {
		return nil, fmt.Errorf("set-up: %s", res.Status)
	}
	d.kept = res.Cookies()
	return d.kept, nil
}

// hostOf is a host without its port.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}
