//go:build linux

package metrics

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A query that asks for too much is refused; one that finds a way around that
// ends the process and not the machine, and nothing that was taken is lost.
func TestAGreedyQueryEndsThisProcessAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, dir, "--memory", "128MiB")
	for i := range 20 {
		var batch []sample
		for n := range 100 {
			batch = append(batch, sample{name: "kept", labels: []string{"n", fmt.Sprint(i*100 + n)}, value: 1})
		}
		c.push(batch...)
	}
	now := time.Now().Unix()
	for question, want := range map[string]string{
		"query?query=" + url.QueryEscape(`count(sum_over_time(vector(1)[10000h:1ms]))`):                                      "more than 1000000",
		"query?query=" + url.QueryEscape(`count(sum_over_time(sum_over_time(vector(1)[1h:1ms])[10h:1m]))`):                   "more than 1000000",
		fmt.Sprintf("query_range?query=%s&start=0&end=%d&step=1d", url.QueryEscape(`sum_over_time(vector(1)[1s:1ms])`), now): "more than 1000000",
		fmt.Sprintf("query_range?query=kept&start=%d&end=%d&step=0.1", now, now+280):                                         "too many samples",
	} {
		status, text, err := c.do(http.MethodGet, "/prometheus/api/v1/"+question, nil)
		if err != nil || status != http.StatusUnprocessableEntity || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %.300s (%v), want 422 and %q in it", question, status, text, err, want)
		}
	}

	// Half a megabyte in a label of each of two thousand series: 1 GiB, in not one more sample.
	bomb := `label_replace(kept, "a", "0123456789abcdef", "", "")`
	for range 5 {
		bomb = `label_replace(` + bomb + `, "a", "$1$1$1$1$1$1$1$1", "a", "(.*)")`
	}
	_, _, err := c.do(http.MethodGet, "/prometheus/api/v1/query?query="+url.QueryEscape(bomb), nil)
	if err == nil {
		t.Error("the greedy query was answered")
	}
	code := c.ended(30 * time.Second)
	want := "out of memory"
	if underRace {
		want = "failed to allocate" // the race detector dies in its own words
	}
	if code == 0 || !strings.Contains(c.said(), want) {
		t.Errorf("got code %d and %.500s, want an end for want of memory", code, c.said())
	}

	c = start(t, dir, "--memory", "128MiB")
	if got := c.query("count(kept)"); got != "2000" {
		t.Errorf("series after the end: got %s, want 2000", got)
	}
	if !strings.Contains(c.said(), "label_replace") {
		t.Error("the log does not say which query ran when the process ended")
	}
	// An open dashboard does not end it again and again.
	if status, text, err := c.do(http.MethodGet, "/prometheus/api/v1/query?query="+url.QueryEscape(bomb), nil); err != nil || status != http.StatusUnprocessableEntity {
		t.Errorf("the greedy query once more: got %d %.200s (%v), want 422", status, text, err)
	}
}
