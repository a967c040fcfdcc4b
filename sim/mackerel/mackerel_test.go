package mackerel

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// post sends a request to s and returns the status and the body.
func post(ctx context.Context, t *testing.T, s *Server, path, key, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.mackerelio.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", key)
	res, err := s.Transport().RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

func TestItIsAsStrictAsTheRealOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour)
		s := New(Options{Keys: []string{"key"}, ReadOnly: []string{"reads"}, Services: []string{"shop"}, PerMinute: 2})
		now := time.Now().Unix()
		good := fmt.Sprintf(`[{"name":"a","time":%d,"value":0},{"name":"a","time":%d,"value":2},{"name":"old","time":%d,"value":1}]`, now, now, now-86401)
		const path = "/api/v0/services/shop/tsdb"
		for _, tc := range []struct {
			name, path, key, body string
			status                int
			want                  string
		}{
			{"taken", path, "key", good, 200, `{"success":true}`},
			{"no such key", path, "x", good, 401, `{"error":{"message":"Authentication failed. Please try with valid Api Key."}}`},
			{"a key that reads", path, "reads", good, 403, ""},
			{"no such service", "/api/v0/services/other/tsdb", "key", good, 404, ""},
			{"no such address", "/api/v0/other", "key", good, 404, ""},
			{"a bad name", path, "key", `[{"name":"a b","time":1,"value":0}]`, 400, ""},
			{"no value", path, "key", `[{"name":"a","time":1}]`, 400, ""},
			{"no list", path, "key", `{}`, 400, ""},
			{"too large", path, "key", strings.Repeat(" ", maxBody+1), 413, ""},
			{"once more", path, "key", `[]`, 200, ""},
			{"too often", path, "key", good, 429, ""},
		} {
			if status, text := post(t.Context(), t, s, tc.path, tc.key, tc.body); status != tc.status || tc.want != "" && text != tc.want {
				t.Errorf("%s: got %d %s, want %d %s", tc.name, status, text, tc.status, tc.want)
			}
		}
		time.Sleep(time.Minute)
		if status, _ := post(t.Context(), t, s, path, "key", `[]`); status != 200 {
			t.Errorf("a minute later: got %d", status)
		}
		if got := s.Points("shop", "a"); len(got) != 1 || got[0].Value != 2 || len(s.Points("shop", "old")) != 0 || len(s.Posts()) != 3 {
			t.Errorf("got %v of %d posts", got, len(s.Posts()))
		}
	})
}

func TestItGoesWrongAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		const path = "/api/v0/services/shop/tsdb"
		body := fmt.Sprintf(`[{"name":"a","time":%d,"value":1}]`, time.Now().Unix())
		s.Fault(Fault{Status: 500}, Fault{Drop: true}, Fault{Wait: time.Hour}, Fault{Drop: true, Taken: true})
		for i, want := range []int{500, 0, 0, 0, 200} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if status, _ := post(ctx, t, s, path, "key", body); status != want {
				t.Errorf("%d: got %d, want %d", i, status, want)
			}
			cancel()
		}
		if got := len(s.Posts()); got != 2 {
			t.Errorf("%d were taken, want that whose answer was lost and the last", got)
		}
	})
}
