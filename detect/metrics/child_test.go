package metrics

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// childMark makes the test binary the command, so that tests have a process of
// their own to kill and to limit.
const childMark = "TOBAN_TEST_METRICS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childMark) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
	}
	os.Exit(m.Run())
}

// child is a running `toban metrics`.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	client *http.Client
	ready  chan struct{} // closed when it has said so
	done   chan struct{} // closed when it has ended, its output read
	err    error         // how it ended

	mu     sync.Mutex
	stdout []string
	stderr bytes.Buffer
	took   time.Duration // until it was ready
}

// begin starts a child on a folder; args come after its own. It is killed when
// the test ends.
func begin(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	sockets, err := os.MkdirTemp("", "tm") // t.TempDir has too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	socket := filepath.Join(sockets, "m.sock")
	c := &child{t: t, ready: make(chan struct{}), done: make(chan struct{}), client: socketClient(socket)}
	t.Cleanup(c.client.CloseIdleConnections)
	c.cmd = exec.Command(os.Args[0], append([]string{"--data", dir, "--listen", "unix:" + socket, "--until-stdin-closes"}, args...)...)
	c.cmd.Env = append(os.Environ(), childMark+"=1")
	c.cmd.Stderr = writerFunc(func(p []byte) (int, error) { c.mu.Lock(); defer c.mu.Unlock(); return c.stderr.Write(p) })
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(stdout); s.Scan(); {
			c.mu.Lock()
			c.stdout = append(c.stdout, s.Text())
			if s.Text() == "ready" {
				c.took = time.Since(started)
				close(c.ready)
			}
			c.mu.Unlock()
		}
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("toban metrics %q said:\n%s", args, c.said())
		}
	})
	return c
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func socketClient(path string) *http.Client {
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
}

// start is begin, and the wait until it is ready.
func start(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	c := begin(t, dir, args...)
	select {
	case <-c.ready:
	case <-c.done:
		t.Fatalf("toban metrics ended: %v\n%s", c.err, c.said())
	case <-time.After(30 * time.Second):
		t.Fatalf("toban metrics is not ready after 30 s\n%s", c.said())
	}
	return c
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.stdout, "\n") + "\n" + c.stderr.String()
}

// kill ends it as a crash would.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
}

// end closes its stdin and returns its exit code.
func (c *child) end() int {
	c.t.Helper()
	c.stdin.Close()
	return c.ended(10 * time.Second)
}

func (c *child) ended(within time.Duration) int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(within):
		c.t.Fatalf("toban metrics runs on\n%s", c.said())
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *child) do(method, path string, body io.Reader, header ...string) (int, string, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://toban"+path, body)
	if err != nil {
		return 0, "", err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (c *child) get(path string) string {
	c.t.Helper()
	status, text, err := c.do(http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("GET %s: %d %v\n%s", path, status, err, text)
	}
	return text
}

// query is the first value that a query gives, "" when there is none.
func (c *child) query(expr string) string {
	c.t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	text := c.get("/prometheus/api/v1/query?query=" + url.QueryEscape(expr))
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		c.t.Fatalf("%s: %v in %s", expr, err, text)
	}
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// metric is one of its own metrics, -1 when it has none of that name.
func (c *child) metric(name string) float64 {
	c.t.Helper()
	for line := range strings.Lines(c.get("/prometheus/metrics")) {
		var v float64
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &v); err == nil {
				return v
			}
		}
	}
	return -1
}

// sample is a sample to push: name{a="b"} and value, now.
type sample struct {
	name   string
	labels []string // pairs
	value  float64
	at     time.Time // zero: now
}

// push remote-writes samples, and fails the test when they are not taken.
func (c *child) push(samples ...sample) {
	c.t.Helper()
	if status, text, err := c.write(samples...); err != nil || status/100 != 2 {
		c.t.Fatalf("remote write: %d %v %s", status, err, text)
	}
}

func (c *child) write(samples ...sample) (int, string, error) {
	var req prompb.WriteRequest
	for _, s := range samples {
		if s.at.IsZero() {
			s.at = time.Now()
		}
		ts := prompb.TimeSeries{
			Labels:  []prompb.Label{{Name: "__name__", Value: s.name}},
			Samples: []prompb.Sample{{Value: s.value, Timestamp: s.at.UnixMilli()}},
		}
		for i := 0; i+1 < len(s.labels); i += 2 {
			ts.Labels = append(ts.Labels, prompb.Label{Name: s.labels[i], Value: s.labels[i+1]})
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	raw, err := req.Marshal()
	if err != nil {
		return 0, "", err
	}
	return c.do(http.MethodPost, "/prometheus/api/v1/write", bytes.NewReader(snappy.Encode(nil, raw)),
		"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy", "X-Prometheus-Remote-Write-Version", "0.1.0")
}

// toban takes alerts as the core does, over TCP.
type toban struct {
	receiver
	url string
}

func newToban(t *testing.T) *toban {
	t.Helper()
	r := &toban{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != alertsPath || req.Method != http.MethodPost {
			t.Errorf("got %s %s, want POST %s", req.Method, req.URL.Path, alertsPath)
		}
		resp, err := r.RoundTrip(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(resp.StatusCode)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// wait waits until toban was told something, "name firing" or "name resolved".
func (r *toban) wait(t *testing.T, what string, within time.Duration) received {
	t.Helper()
	at := strings.LastIndex(what, " ")
	name, state := what[:at], what[at+1:]
	var found received
	eventually(t, within, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, g := range r.got {
			if g.Labels["alertname"] == name && g.firing() == (state == "firing") {
				found = g
				return true
			}
		}
		return false
	}, func() string { return fmt.Sprintf("toban was told %q, want %q", r.taken(), what) })
	return found
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, within time.Duration, yes func() bool, otherwise func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", within, otherwise())
		}
		<-tick.C
	}
}

func signalled(t *testing.T, c *child, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
