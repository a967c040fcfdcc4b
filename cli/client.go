package cli

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
	"path/filepath"
	"time"

	"toban/api"
	"toban/internal/problem"
)

// client speaks toban's API over the socket in the data folder: whoever may
// open that file may do everything.
type client struct {
	http   *http.Client
	socket string
}

func newClient(data string) *client {
	socket := filepath.Join(data, "toban.sock")
	return &client{socket: socket, http: &http.Client{Timeout: 30 * time.Second, Transport: api.Over(socket)}}
}

// call sends in as JSON, if there is one, and reads the answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://toban"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return fmt.Errorf("no toban answers at %s: is `toban serve` running with this --data folder? (%w)", c.socket, err)
		}
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return refusal(res)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// refusal reads a problem document.
func refusal(res *http.Response) error {
	var doc problem.Document
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&doc); err != nil || doc.Code == "" {
		return fmt.Errorf("toban answered %s", res.Status)
	}
	if doc.Field != "" {
		return fmt.Errorf("%s (%s, at %s)", doc.Detail, doc.Code, doc.Field)
	}
	return fmt.Errorf("%s (%s)", doc.Detail, doc.Code)
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
