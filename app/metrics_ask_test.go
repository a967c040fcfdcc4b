package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/config"
	"toban/internal/promapi"
	"toban/internal/remotewrite"
)

func TestThePagesAskAPrometheusInTobansOwnName(t *testing.T) {
	t.Parallel()
	const password = "never-to-be-seen"
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	for _, to := range []remotewrite.Target{{User: "toban", Password: password}, {Token: password}} {
		var m metrics
		for _, tc := range []struct {
			plan metricsPlan
			want error
		}{{metricsPlan{}, promapi.ErrIdle}, {metricsPlan{never: true}, errMetricsOff}, {metricsPlan{settings: &config.Metrics{}}, promapi.ErrStarting}} {
			m.wanted = tc.plan
			if _, err := m.ask(); !errors.Is(err, tc.want) {
				t.Errorf("without any: got %v, want %v", err, tc.want)
			}
		}
		m.now.Store(newSeat(nil, server.URL+"/x", to))
		c, err := m.ask()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Query(t.Context(), "up", time.Now()); !errors.Is(err, promapi.ErrDown) || strings.Contains(err.Error(), password) {
			t.Errorf("got %v, want %v", err, promapi.ErrDown)
		}
	}
	server.Close()
	want := []string{"/x/api/v1/query Basic dG9iYW46bmV2ZXItdG8tYmUtc2Vlbg==", "/x/api/v1/query Bearer " + password}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", asked, want)
	}
}
