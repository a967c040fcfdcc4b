package detect

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/detect/probe"
)

// echoing is a server that sends back all it is sent, in clear, as a header and
// as an answer to a line.
func echoing(t *testing.T) (web, line string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Said", string(body))
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "%s\n%v\n", body, r.Header)
	}))
	t.Cleanup(server.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() { // ends with the listener
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, io.LimitReader(conn, 20))
			_ = conn.Close()
		}
	}()
	return server.URL, listener.Addr().String()
}

func TestASecretThatComesBackIsShownToNobody(t *testing.T) {
	t.Parallel()
	web, line := echoing(t)
	for _, body := range []string{
		"{ http: '" + web + "', method: POST, private: true, body: env:T }",
		"{ http: '" + web + "', private: true, headers: { X-Shop: env:T } }",
		"{ tcp: '" + line + "', private: true, conversation: [ { send: env:T }, { expect: nothing } ] }",
		"{ module: { prober: tcp, tcp: { query_response: [ { send: env:T }, { expect: '^(.*)$', labels: [ { name: said, value: '${1}' } ] }, { expect: nothing } ] } }, target: '" + line + "', private: true }",
	} {
		m := written(t, body)
		c, err := checkerOf(m, secrets, probe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := timeout(t, 5*time.Second)
		r := c.Check(ctx, m.Target)
		cancel()
		if r.Up || r.Evidence == nil || !strings.Contains(r.Message+string(encode(t, r.Evidence)), "‹secret›") {
			t.Errorf("%s: got %+v with %+v, want down with what came back", body, r, r.Evidence)
		}
		if said := string(encode(t, r.Evidence)) + r.Message + fmt.Sprint(r.Samples); strings.Contains(said, "hunter2") {
			t.Errorf("%s: the secret is in %s", body, said)
		}
		c.(probe.Closer).Close()
	}
}

// A redirect to somebody else takes no secret along, whatever its header is
// called, and no body with one.
func TestASecretStaysWithTheHostItIsFor(t *testing.T) {
	t.Parallel()
	var leaked string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		leaked += fmt.Sprintf("%v %s", r.Header, body)
	}))
	defer other.Close()
	own := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer own.Close()
	for body, up := range map[string]bool{
		"{ http: '" + own.URL + "', private: true, headers: { X-Shop: env:T, X-Other: plain } }":    true,
		"{ http: '" + own.URL + "', private: true, method: POST, body: env:T }":                     false,
		"{ http: '" + own.URL + "', private: true, method: POST, body: 'what everybody may read' }": true,
	} {
		m := written(t, body)
		c, err := checkerOf(m, secrets, probe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := timeout(t, 5*time.Second)
		if r := c.Check(ctx, m.Target); r.Up != up || !up && r.Reason != probe.ReasonRedirect {
			t.Errorf("%s: got %+v, want up %t", body, r, up)
		}
		cancel()
		c.(probe.Closer).Close()
	}
	if strings.Contains(leaked, "hunter2") || !strings.Contains(leaked, "X-Other:[plain]") || !strings.Contains(leaked, "everybody") {
		t.Errorf("got %q, want all but the secret", leaked)
	}
}
