package metric_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/metric"
)

func scrape(t *testing.T, r *metric.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("got status %d, error %v, want 200", w.Code, err)
	}
	return string(body)
}

func TestR41_WhatCountsByItselfIsSaid(t *testing.T) {
	t.Parallel()
	r := metric.New("v1")
	r.Counter("toban_x_total", "Things.", "kind").Add(3, "a")
	r.Histogram("toban_y_seconds", "Times.", []float64{1, 2}).Observe(1.5)
	got := scrape(t, r)
	for _, want := range []string{
		`toban_x_total{kind="a"} 3`, `toban_y_seconds_bucket{le="2"} 1`, `toban_build_info{version="v1"} 1`, "go_goroutines ", "process_start_time_seconds ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q, want it in\n%s", want, got)
		}
	}
}

func TestWhatNobodyMeasuresCostsNothing(t *testing.T) {
	t.Parallel()
	var none *metric.Registry
	none.Counter("a_total", "A.").Add(1)
	none.Histogram("b_seconds", "B.", []float64{1}).Observe(1)
}

func TestR41_WhoeverAsksOftenReadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, reads := metric.New("v1"), 0
		r.Read(10*time.Second, []metric.Figure{{Name: "toban_open", Help: "Open.", Labels: []string{"state"}}}, func(_ context.Context, v *metric.Values) error {
			reads++
			v.Put("toban_open", float64(reads), "triggered")
			return nil
		}, func(err error) { t.Errorf("got %v, want no failure", err) })
		for range 5 {
			if got := scrape(t, r); !strings.Contains(got, `toban_open{state="triggered"} 1`) {
				t.Errorf("got\n%s\nwant the first reading", got)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Second)
		scrape(t, r)
		if reads != 2 {
			t.Errorf("got %d readings, want 2", reads)
		}
	})
}

func TestR41_WhatCantBeReadIsMissingAndTheRestIsThere(t *testing.T) {
	t.Parallel()
	r := metric.New("v1")
	broken, told := errors.New("the store is away"), error(nil)
	r.Read(0, []metric.Figure{{Name: "toban_gone", Help: "Gone."}}, func(_ context.Context, v *metric.Values) error {
		v.Put("toban_gone", 1)
		return broken
	}, func(err error) { told = err })
	scrape(t, r)
	got := scrape(t, r)
	if strings.Contains(got, "toban_gone ") || !strings.Contains(got, "toban_build_info") {
		t.Errorf("got\n%s\nwant all but what can't be read", got)
	}
	if !strings.Contains(got, "toban_unread_figures_total ") || !errors.Is(told, broken) {
		t.Errorf("got %v, want the failure told and counted", told)
	}
}

func TestAHistogramThatSomebodyElseKeeps(t *testing.T) {
	t.Parallel()
	r := metric.New("v1")
	r.Read(0, []metric.Figure{{Name: "toban_late_seconds", Help: "Late.", Bounds: []float64{0.1, 1}}}, func(_ context.Context, v *metric.Values) error {
		v.Spread("toban_late_seconds", []int64{4, 2, 1}, 3.5)
		return nil
	}, func(err error) { t.Error(err) })
	got := scrape(t, r)
	for _, want := range []string{`_bucket{le="0.1"} 4`, `_bucket{le="1"} 6`, `_bucket{le="+Inf"} 7`, "_sum 3.5", "_count 7"} {
		if !strings.Contains(got, "toban_late_seconds"+want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}
