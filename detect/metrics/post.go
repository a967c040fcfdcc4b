package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// alertsPath is where toban takes alerts in Alertmanager's API v2.
const alertsPath = "/alertmanager/api/v2/alerts"

// postTimeout bounds one post of alerts.
const postTimeout = 10 * time.Second

// post sends alerts to one address.
type post struct {
	client *http.Client
	url    string
	key    string // a bearer token, or ""
}

// newPost reads the address of --alerts: unix:PATH, or a URL, to which the path
// of the API is added unless it ends with it.
func newPost(address, key string) (*post, error) {
	transport := &http.Transport{MaxIdleConns: 1, MaxConnsPerHost: 1, IdleConnTimeout: 90 * time.Second, Proxy: http.ProxyFromEnvironment}
	p := &post{client: &http.Client{Transport: transport, Timeout: postTimeout}, key: key}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		dialer := net.Dialer{Timeout: postTimeout}
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) }
		p.url = "http://toban" + alertsPath
		return p, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("--alerts: an address that begins with http://, https:// or unix:") // what is there may hold a password
	}
	if !strings.HasSuffix(u.Path, "/api/v2/alerts") {
		u.Path = strings.TrimRight(u.Path, "/") + alertsPath
	}
	p.url = u.String()
	return p, nil
}

// post sends alerts. refused means that the receiver has understood and will
// never take them as they are; any other error may pass.
func (p *post) post(ctx context.Context, alerts []alert) (refused bool, err error) {
	body, err := json.Marshal(alerts)
	if err != nil {
		return true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the address may hold a password
		}
		return false, err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512))        // what could be read is enough to be told
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // or the connection could not be used again
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	err = fmt.Errorf("the receiver answered %s: %s", resp.Status, strings.TrimSpace(string(said)))
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true, err
	}
	return false, err
}
