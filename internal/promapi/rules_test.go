package promapi

import (
	"errors"
	"testing"
	"time"
)

func TestRulesAreReadWithHowTheirEvaluationGoes(t *testing.T) {
	t.Parallel()
	c := says(200, `{"status":"success","data":{"groups":[{"name":"toban/monitor/disk","interval":15,"rules":[
		{"name":"disk","health":"err","lastError":"many-to-many","lastEvaluation":"2026-11-20T15:04:05.5Z","evaluationTime":0.25}]},
		{"name":"g","interval":60,"rules":[{"name":"new","health":"unknown","lastEvaluation":"0001-01-01T00:00:00Z"}]}]}}`)
	got, err := c.Rules(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v %v", got, err)
	}
	want := Rule{Group: "toban/monitor/disk", Interval: 15 * time.Second, Name: "disk", Health: "err", Error: "many-to-many", At: moment(), Took: 250 * time.Millisecond}
	if got[0] != want || !got[1].At.IsZero() {
		t.Errorf("got %+v, want %+v and one that was never evaluated", got, want)
	}
	if _, err := says(502, "<html>").Rules(t.Context()); !errors.Is(err, ErrDown) {
		t.Errorf("got %v of something else, want that there is no answer", err)
	}
}
