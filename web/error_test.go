package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhoHasGoneGetsNoPageAndNoLineInTheLog(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	var log bytes.Buffer
	h.web.Log = slog.New(slog.NewTextHandler(&log, nil))
	ctx, gone := context.WithCancel(t.Context())
	gone()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := httptest.NewRecorder()
		h.web.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, "/login", strings.NewReader("account=a")))
		if w.Code != http.StatusRequestTimeout || w.Body.Len() > 0 {
			t.Errorf("%s: got %d with %d bytes, want 408 and nothing", method, w.Code, w.Body.Len())
		}
	}
	if log.Len() > 0 {
		t.Errorf("got the log %q, want nothing", log.String())
	}
}
