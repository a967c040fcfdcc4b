package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// httpChecker asks web servers.
type httpChecker struct {
	*HTTPSettings
	options Options
	tokens  *tokens // nil without OAuth 2.0
	direct  bool    // asks over connections of its own, where HTTP/1.1 is spoken

	last    atomic.Pointer[httpAim]  // the target of the last check
	config  atomic.Pointer[tlsReady] // of the last handshake
	renewed atomic.Int64             // when kept connections were last let go, in ns

	mu     sync.Mutex
	closed bool                            // nothing is kept any more
	shown  map[*x509.Certificate]shownOnce // by kept connections
	idle   map[httpKey]*httpConn           // kept, one for each
	other  map[httpKey]bool                // speak HTTP/2: the library keeps connections to them
	ways   httpWays                        // nil until they are needed
}

// shownOnce is what was made of the certificates of a kept connection.
type shownOnce struct {
	certificate *Certificate
	samples     []Sample
}

// maxShown bounds what is remembered of kept connections.
const maxShown = 20_000

// certificate is certificateOf, worked out once for each kept connection.
func (c *httpChecker) certificate(state *tls.ConnectionState) (*Certificate, []Sample) {
	if !c.KeepAlive || len(state.PeerCertificates) == 0 {
		return certificateOf(*state)
	}
	leaf := state.PeerCertificates[0]
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.shown[leaf]; ok {
		return known.certificate, known.samples
	}
	certificate, samples := certificateOf(*state)
	if len(c.shown) >= maxShown || c.shown == nil {
		c.shown = map[*x509.Certificate]shownOnce{}
	}
	c.shown[leaf] = shownOnce{certificate, samples}
	return certificate, samples
}

// keptAge is how long connections are kept: the name is looked up and the
// certificate looked at again after that at the latest.
const keptAge = 5 * time.Minute

// Limits of what a server may make us read.
const (
	maxRedirects = 10
	maxHead      = 1 << 20   // bytes of the header
	maxRead      = 100 << 20 // bytes of a body that only goes by
	maxJudged    = 4 << 20   // bytes of a body that conditions are about
	maxLimit     = 64 << 20  // bytes of a body that conditions are about, where body_size_limit says so
)

// Checker returns the checker of the settings, which have to come from a loaded
// module. Its target is a URL; one without a scheme is asked by http.
func (s *HTTPSettings) Checker(o Options) Checker {
	if s.ready == nil {
		return misfit{errors.New("its HTTP settings were not loaded")}
	}
	own := *s // not the module around it, which is much larger
	c := &httpChecker{HTTPSettings: &own, options: o, direct: s.isPlain()}
	if s.ready.oauth != nil {
		c.tokens = newTokens(s.ready.oauth, o, s.SkipResolvePhaseWithProxy)
	}
	if s.KeepAlive {
		c.renewed.Store(time.Now().UnixNano())
	}
	return c
}

// Close ends the connections that are kept. A check that is under way, or a later
// one, keeps none.
func (c *httpChecker) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.release()
}

// release ends the connections that are kept.
func (c *httpChecker) release() {
	c.mu.Lock()
	idle, ways := c.idle, c.ways
	c.shown, c.idle, c.other = nil, nil, nil
	c.mu.Unlock()
	for _, k := range idle {
		_ = k.Conn.Close()
	}
	for _, t := range ways {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
}

// tlsConfig is for the target's own host, or for others that it sends us to.
func (c *httpChecker) tlsConfig(own bool) *tls.Config {
	config := &tls.Config{}
	if c.TLSConfig != nil {
		config = c.TLSConfig.Clone()
	}
	if !own {
		config.ServerName = "" // the transport takes the name of the URL
	} else if config.ServerName == "" && c.ready.host != "" {
		config.ServerName = hostOnly(c.ready.host)
	}
	return config
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// Check implements Checker.
func (c *httpChecker) Check(ctx context.Context, target string) *Result {
	ctx, done := limited(ctx)
	defer done()
	r := &httpRun{c: c, ctx: ctx}
	found := &httpFound{}
	found.Start, found.Phases = time.Now(), found.phases[:0]
	r.result = &found.Result
	r.hops = r.room[:0]
	r.buffers, _ = buffers.Get().(*httpBuffers) // nothing else is in it
	defer buffers.Put(r.buffers)
	if c.KeepAlive {
		c.renew(r.result.Start)
		defer c.after() // what the library has kept meanwhile
	}
	defer r.letGo() // also when there was a panic
	if aim, err := c.aim(target); err != nil {
		r.failed(err)
	} else {
		r.ask(aim)
	}
	r.sealed()
	r.samples()
	return r.close()
}

// after ends what is kept after a check of a checker that was closed meanwhile.
func (c *httpChecker) after() {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		c.release()
	}
}

// httpFound is a result and room for its phases, made at once.
type httpFound struct {
	Result
	phases [len(httpPhases)]Phase
}

// renew lets go of the connections that are kept, now and then.
func (c *httpChecker) renew(now time.Time) {
	was := c.renewed.Load()
	if now.UnixNano()-was > int64(keptAge) && c.renewed.CompareAndSwap(was, now.UnixNano()) {
		c.release()
	}
}

// httpTarget is the URL of a target; without a scheme it is asked by http.
func httpTarget(target string) (*url.URL, error) {
	target = strings.TrimSpace(target)
	if len(target) > maxTarget {
		return nil, &fault{ReasonTarget, "the target is longer than " + strconv.Itoa(maxTarget) + " bytes"}
	}
	if lower := strings.ToLower(target[:min(len(target), 8)]); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		if scheme, _, ok := strings.Cut(target, "://"); ok && !strings.ContainsAny(scheme, "/?.:") {
			return nil, &fault{ReasonTarget, "the target is neither an http nor an https URL"}
		}
		target = "http://" + target
	}
	u, err := url.Parse(target)
	if err != nil { // its text may hold a password
		return nil, &fault{ReasonTarget, "the target is not a URL"}
	}
	if _, _, err := hostPort(u.Host, ""); err != nil {
		return nil, err
	}
	return u, nil
}

// httpRun is one check. Connections of the library are made by its goroutines,
// which may outlive the check: what they write is behind mu.
type httpRun struct {
	c   *httpChecker
	ctx context.Context
	trial
	first     *url.URL // as the target has it
	named     *url.URL // the last one that is asked by a proxy, and
	at        *url.URL // what the proxy is asked for in its place; nil without one
	resp      *http.Response
	token     string // that was fetched and sent
	redirects int
	stopped   bool      // the answer is a redirect that was not followed
	ended     time.Time // when the body was complete
	size      int64     // of the body as it was read
	buffers   *httpBuffers
	beginning []byte // of the body, in buffers or in all of it
	chain     []*x509.Certificate
	regex     verdict
	json      verdict

	mu     sync.Mutex
	over   bool
	hops   []httpHop
	room   [2]httpHop
	looked []lookedUp
	fresh  *http.Transport // for one request
	body   *httpBody       // of the answer that is read
	shaken *httpConn       // made for the library, which has not taken it yet
}

// verdict is what conditions said of an answer.
type verdict uint8

const (
	unasked verdict = iota
	met
	unmet
)

type lookedUp struct {
	host string
	ip   netip.Addr
}

// ask follows the target to its last answer and judges that.
func (r *httpRun) ask(aim *httpAim) {
	r.first = aim.url
	req, err := aim.request, error(nil)
	if req == nil {
		req, err = r.request(aim.url)
	}
	if err != nil {
		r.failed(err)
		return
	}
	var cookies jar
	for {
		resp, err := r.roundTrip(req)
		if err != nil {
			r.broke(err)
			return
		}
		r.resp = resp
		next, why := r.redirect(req, resp, &cookies)
		if why != nil {
			reason, message := reasonOf(why)
			r.fail(reason, message)
		}
		if next == nil {
			r.judge(resp)
			r.letGo()
			return
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 2<<10) // so that a kept connection can be used again
		_ = resp.Body.Close()
		r.letGo()
		req = next
	}
}
