package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"toban/api"
	"toban/config"
	"toban/internal/problem"
)

// client speaks toban's API: over the network with a token, or over the socket
// in the data folder, whose file mode is the permission.
type client struct {
	http  *http.Client
	base  string
	token string
	where string // for people
}

// answerWithin is how long the command line waits for one answer.
const answerWithin = 30 * time.Second

// client is the one of this command.
func (e *env) client() (*client, error) {
	if e.toban != nil {
		return e.toban, nil
	}
	c, err := e.find()
	e.toban = c
	return c, err
}

// find finds out which toban is meant: --server, else --data, else
// TOBAN_SERVER, else the default data folder.
func (e *env) find() (*client, error) {
	server := e.server
	if server == "" && !e.given("data") {
		server = e.getenv("TOBAN_SERVER")
	}
	if server == "" {
		if e.token != "" {
			return nil, usage{errors.New("--token is for a --server: whoever may open the socket in the data folder needs none")}
		}
		socket := filepath.Join(e.data, "toban.sock")
		return &client{
			base: "http://toban", where: socket, http: &http.Client{Timeout: answerWithin, Transport: api.Over(socket)},
		}, nil
	}
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, usage{fmt.Errorf("--server: %q is no address such as https://toban.example.jp", server)}
	}
	token, err := e.secret()
	if err != nil {
		return nil, err
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		fmt.Fprintf(e.err, "toban: warning: %s is not encrypted: others on the way can read the token; use https\n", u.Host)
	}
	c := &http.Client{Timeout: answerWithin, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the token is for this server and no other
	}}
	return &client{http: c, base: strings.TrimRight(server, "/"), token: token, where: u.Host}, nil
}

// secret is the token: a reference in --token, or TOBAN_TOKEN.
func (e *env) secret() (string, error) {
	ref := e.token
	if ref == "" {
		ref = e.getenv("TOBAN_TOKEN")
	} else if !strings.HasPrefix(ref, "env:") && !strings.HasPrefix(ref, "file:") {
		return "", usage{errors.New("--token is env:NAME or file:PATH: a token on the command line can be read by everybody on this machine; TOBAN_TOKEN may hold the token itself")}
	}
	if ref == "" {
		return "", usage{errors.New("a server needs a token: set TOBAN_TOKEN, or give --token file:PATH. An admin makes one on the server's machine with: toban token new NAME --role responder")}
	}
	if !strings.HasPrefix(ref, "env:") && !strings.HasPrefix(ref, "file:") {
		return ref, nil
	}
	token, err := config.ResolveRef(ref, e.getenv)
	if err != nil {
		return "", fmt.Errorf("the token: %w", err)
	}
	return strings.TrimSpace(token), nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// call asks the toban that is meant.
func (e *env) call(ctx context.Context, method, path string, in, out any) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	return c.call(ctx, method, path, in, out)
}

// maxTries and maxPause bound how often and how long a request is tried again
// that may well go through in a moment.
const (
	maxTries = 4
	maxPause = 5 * time.Second
)

// call sends in as JSON, if there is one, and reads the answer into out. What
// changes something has a name of its own, so that trying it again changes
// nothing twice.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	key := rand.Text()
	for try := 1; ; try++ {
		res, err := c.send(ctx, method, path, key, body)
		if err != nil {
			return err
		}
		pause, again := later(res)
		if again && try < maxTries {
			_ = res.Body.Close() // what it says is said by its status
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
				continue
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		}
		return read(res, out)
	}
}

func (c *client) send(ctx context.Context, method, path, key string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", key)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if _, refused := errors.AsType[*net.OpError](err); refused {
		if c.token != "" {
			return nil, fmt.Errorf("no toban answers at %s (%w)", c.where, err)
		}
		return nil, fmt.Errorf("no toban answers at %s: is `toban serve` running with this --data folder? For one elsewhere give --server (%w)", c.where, err)
	}
	return res, err
}

// later says whether an answer asks to come back, and when.
func later(res *http.Response) (time.Duration, bool) {
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusConflict:
	default:
		return 0, false
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxPause {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

func read(res *http.Response, out any) error {
	defer res.Body.Close()
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		return refusal(res)
	case res.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("the server sends elsewhere, to %s: give that as --server", res.Header.Get("Location"))
	case out == nil:
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("what answers is no toban's API; is the address right? (%w)", err)
	}
	return nil
}

// refusal reads a problem document.
func refusal(res *http.Response) error {
	var doc problem.Document
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&doc); err != nil || doc.Code == "" {
		return fmt.Errorf("what answers is no toban's API, it said %s; is the address right?", res.Status)
	}
	mend := ""
	switch doc.Code {
	case "access.role", "actor.denied":
		mend = "; `toban token list` says what your token may, and an admin makes another with `toban token new NAME --role ROLE`"
	case "access.token", "access.scheme", "access.login":
		mend = "; set TOBAN_TOKEN, or --token file:PATH"
	}
	at := ""
	if doc.Field != "" {
		at = ", at " + doc.Field
	}
	return fmt.Errorf("%s%s (%s%s)", doc.Detail, mend, doc.Code, at)
}

// query adds the parameters that have a value to path.
func query(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// further is path with the cursor of the next page.
func further(path, cursor string) string {
	if cursor == "" {
		return path
	}
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	return path + sign + "cursor=" + url.QueryEscape(cursor)
}
