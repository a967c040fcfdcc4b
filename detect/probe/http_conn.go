package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// httpBuffers are what a check reads and writes through. They hold nothing that
// outlives it, so that a kept connection costs no more than itself.
type httpBuffers struct {
	head [MaxBodySample]byte // the beginning of the body
	in   *bufio.Reader
	out  *bufio.Writer
}

// buffers lends to whoever checks: it is memory, and no state of anything.
var buffers = sync.Pool{New: func() any {
	return &httpBuffers{in: bufio.NewReaderSize(nil, 4<<10), out: bufio.NewWriterSize(nil, 2<<10)}
}}

// httpKey is where a connection leads, and as whom its server has shown itself.
type httpKey struct {
	secure, own bool
	address     string // host:port, before the host is looked up
}

// httpConn is a connection over which the check itself speaks HTTP/1.1. It has
// no goroutine.
type httpConn struct {
	net.Conn                      // with TLS around it where it is secure
	under    net.Conn             // without
	state    *tls.ConnectionState // nil without TLS
	key      httpKey
	ip       netip.Addr
	at       string    // its address, as it was dialled
	since    time.Time // when it was put away

	left    int64 // bytes that may be read
	sent    int64 // bytes of this request that were written
	unwatch func() bool
}

// Read implements io.Reader, within the limit for the head.
func (k *httpConn) Read(p []byte) (n int, err error) {
	if k.left <= 0 {
		return 0, errHead
	}
	if int64(len(p)) > k.left {
		p = p[:k.left]
	}
	n, err = k.Conn.Read(p)
	k.left -= int64(n)
	return n, err
}

// Write implements io.Writer.
func (k *httpConn) Write(p []byte) (n int, err error) {
	n, err = k.Conn.Write(p)
	k.sent += int64(n)
	return n, err
}

// errHead says what net/http says.
var errHead = fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", maxHead)

// longAgo is a deadline that ends all that is under way.
func longAgo() time.Time { return time.Unix(1, 0) }

// watch ends what is under way on the connection when the time of the check is
// over, or when it is stopped: the error then comes after ctx's.
func (k *httpConn) watch(ctx context.Context) {
	k.unwatch = context.AfterFunc(ctx, func() { _ = k.under.SetDeadline(longAgo()) })
}

// send writes a request.
func (k *httpConn) send(req *http.Request, out *bufio.Writer) error {
	out.Reset(k)
	k.sent = 0
	if err := req.Write(out); err != nil {
		return err
	}
	return out.Flush()
}

// errNothing is in the error of a connection on which no answer began.
var errNothing = errors.New("no byte of an answer came")

// answer reads the head of the answer to req; first is called when it begins.
// What a server says before its answer (1xx) is read over, within the same limit.
func (k *httpConn) answer(req *http.Request, in *bufio.Reader, first func()) (*http.Response, error) {
	in.Reset(k)
	k.left = maxHead
	if _, err := in.Peek(1); err != nil {
		return nil, fmt.Errorf("%w%.0w", err, errNothing)
	}
	first()
	for {
		resp, err := http.ReadResponse(in, req)
		switch {
		case err != nil && k.left <= 0:
			return nil, fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", errHead)
		case err != nil:
			return nil, fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
		case resp.StatusCode == http.StatusSwitchingProtocols:
			resp.Close = true
			if httpguts.HeaderValuesContainsToken(resp.Header["Connection"], "Upgrade") {
				resp.Body = io.NopCloser(in) // of the other protocol
			}
		case 100 <= resp.StatusCode && resp.StatusCode < 200:
			continue
		}
		k.left = 1<<63 - 1
		resp.TLS = k.state
		return resp, nil
	}
}

// drained reports whether all that was read from the connection was used: what
// an answer leaves behind would be taken for the next one.
func (k *httpConn) drained(in *bufio.Reader) bool {
	if in.Buffered() > 0 {
		return false
	}
	if k.state == nil {
		return true
	}
	// TLS may have read on. Nothing waits here, since the time is over.
	var one [1]byte
	_ = k.under.SetReadDeadline(longAgo())
	n, err := k.Conn.Read(one[:])
	_ = k.under.SetReadDeadline(time.Time{})
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// httpBody is the body of an answer. Closing it puts the connection away for the
// next check, or ends it.
type httpBody struct {
	io.ReadCloser // as the library has it, which must not be closed: it would read on to the end
	r             *httpRun
	k             *httpConn
	keep          bool
	ended, closed bool
}

// Read implements io.Reader.
func (b *httpBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err == io.EOF //nolint:errorlint // one that is wrapped is no good end
	return n, err
}

// Close implements io.Closer.
func (b *httpBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	in := b.r.buffers.in
	keep := b.k.unwatch() && b.keep && b.ended && b.k.drained(in)
	in.Reset(nil)
	if !keep || !b.r.c.keep(b.k) {
		return b.k.Conn.Close()
	}
	return nil
}
