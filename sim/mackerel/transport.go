package mackerel

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Transport carries requests to s without a network, so that clients work
// inside a synctest bubble. The host of the request does not matter.
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ h http.Handler }

// RoundTrip runs the handler in the caller's goroutine.
func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() { _ = r.Body.Close() }()
	defer func() {
		broken := recover()
		if broken == nil {
			return
		}
		if cut, ok := broken.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
			panic(broken)
		}
		res, err = nil, errors.Join(io.ErrUnexpectedEOF, r.Context().Err())
	}()
	w := &recorder{header: http.Header{}}
	p.h.ServeHTTP(w, r.Clone(r.Context()))
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
