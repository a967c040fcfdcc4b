package slack

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// Transport carries requests to s without a network, so that clients work
// inside a synctest bubble, where a TCP connection would stop the clock. The
// host of the request does not matter. A dropped connection is
// io.ErrUnexpectedEOF, and a client's time-out is honoured.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ h http.Handler }

// RoundTrip runs the handler in the caller's goroutine.
func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		broken := recover()
		if cut, ok := broken.(error); ok && errors.Is(cut, http.ErrAbortHandler) {
			if res, err = nil, r.Context().Err(); err == nil {
				err = io.ErrUnexpectedEOF
			}
		} else if broken != nil {
			panic(broken)
		}
	}()
	w := &recorder{header: make(http.Header)}
	p.h.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.response(r), nil
}

// recorder keeps an answer until it is whole.
type recorder struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          io.NopCloser(bytes.NewReader(w.body.Bytes())),
		ContentLength: int64(w.body.Len()),
		Request:       r,
	}
}
