package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/detect"
	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store"
)

// eager are monitors that are asked from everywhere, whatever they are called.
type eager struct{}

func (eager) Asked(string) []*oncall.Monitor                     { return nil }
func (eager) AsksFrom(oncall.MonitorID, string) bool             { return true }
func (eager) Hear(context.Context, string, []detect.Heard) error { return nil }
func (eager) Polled(store.Agent)                                 {}

// received is a series as it comes, with its labels by pairs.
func received(metric string, at []int64, labels ...string) remotewrite.Received {
	r := remotewrite.Received{Labels: []remotewrite.Label{{Name: "__name__", Value: metric}}}
	for i := 0; i < len(labels); i += 2 {
		r.Labels = append(r.Labels, remotewrite.Label{Name: labels[i], Value: labels[i+1]})
	}
	for _, at := range at {
		r.Points = append(r.Points, remotewrite.Point{At: at, Value: 1})
	}
	return r
}

// kept are the series that a door keeps in mind of a location, and about how many
// bytes.
func kept(d *Door, location string) (n, size int) {
	if b := d.series.of[location]; b != nil {
		return len(b.by), b.size
	}
	return 0, 0
}

func TestTheSeriesOfALocationAreBoundedAndTakeNoneFromOthers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := NewDoor(DoorOptions{Monitors: eager{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	now := []int64{time.Now().UnixMilli()}
	take := func(location string, r remotewrite.Received) int {
		samples, _ := d.take(location, 0, []remotewrite.Received{r})
		return len(samples)
	}
	if got := take("osaka", received("probe_x", now, "long", strings.Repeat("x", 10_230), "monitor", "shop")); got != 0 {
		t.Errorf("got %d samples of a series with more than 10 KiB of labels", got)
	}
	took := 0
	for i := range 25_000 {
		took += take("osaka", received("probe_x", now, "monitor", "shop", "n", fmt.Sprint(i)))
	}
	if n, size := kept(d, "osaka"); n != maxSeries || took != maxSeries || size > maxSeriesBytes {
		t.Errorf("got %d samples, %d series of %d bytes kept, want %d", took, n, size, maxSeries)
	}
	for i := range 12_000 {
		take("kobe", received("probe_x", now, "long", strings.Repeat("x", 1500), "monitor", "shop", "n", fmt.Sprint(i)))
	}
	if n, size := kept(d, "kobe"); n < 5_000 || size > maxSeriesBytes || size < maxSeriesBytes-4_000 {
		t.Errorf("got %d series of %d bytes kept, want them bounded by their bytes", n, size)
	}
	if got := take("naha", received("probe_x", now, "monitor", "shop")); got != 1 {
		t.Errorf("got %d samples of another location, want its series taken", got)
	}
	if got := take("osaka", received("probe_x", now, "monitor", "shop", "n", "0")); got != 1 {
		t.Errorf("got %d samples, want those of known series taken on", got)
	}
	if got := strings.Count(log.String(), "are not kept"); got != 2 {
		t.Errorf("it is logged %d times, want once for each location:\n%s", got, log.String())
	}
}

func TestSeriesThatComeNoMoreMakeRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := NewDoor(DoorOptions{Monitors: eager{}, Log: slog.New(slog.DiscardHandler)})
		for i := range 100 {
			d.take("osaka", 0, []remotewrite.Received{received("probe_x", []int64{time.Now().UnixMilli()}, "monitor", "shop", "n", fmt.Sprint(i))})
		}
		time.Sleep(2 * forgotten)
		d.take("naha", 0, []remotewrite.Received{received("probe_x", []int64{time.Now().UnixMilli()}, "monitor", "shop")})
		if n, size := kept(d, "osaka"); n != 0 || size != 0 {
			t.Errorf("got %d series of %d bytes, want none", n, size)
		}
	})
}

func TestManySamplesOfAResultWithManyExemplarsAreQuickToTake(t *testing.T) {
	t.Parallel()
	d := NewDoor(DoorOptions{Monitors: eager{}, Log: slog.New(slog.DiscardHandler)})
	r := received("probe_success", nil, "monitor", "shop")
	for i := range 49_000 {
		at := remotewrite.Point{At: int64(i), Value: 1}
		r.Points = append(r.Points, at)
		at.At = -at.At
		r.Exemplars = append(r.Exemplars, remotewrite.Exemplar{Point: at, Labels: []remotewrite.Label{{Name: exemplarLabel, Value: "{}"}}})
	}
	r.Exemplars[1].At = 48_999
	began := time.Now()
	samples, heard := d.take("osaka", 0, []remotewrite.Received{r})
	if took := time.Since(began); took > time.Second { // every point with every exemplar takes several
		t.Errorf("took %s", took)
	}
	if len(samples) != 49_000 || len(heard) != maxResults || heard[maxResults-1].Report != "{}" || heard[0].Report != "" {
		t.Errorf("got %d samples and %d results, want the last ones judged", len(samples), len(heard))
	}
}

func TestAReportThatCanNotBeReadTakesNothingElseAlong(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		for range 3 {
			good := success(t, time.Now(), true, "monitor", "shop")
			bad := success(t, time.Now(), false, "monitor", "other")
			with, err := bad.Series.With(map[string]string{exemplarLabel: `{"took":"1s"}`}, 1, bad.At)
			if err != nil {
				t.Fatal(err)
			}
			bad.Series = with
			if status, code := c.post("key-of-sapporo", nil, good, bad, success(t, time.Now(), true, "monitor", "location/sapporo/1")); status != http.StatusNoContent {
				t.Errorf("got %d %s, want the rest taken", status, code)
			}
			time.Sleep(15 * time.Second)
		}
		synctest.Wait()
		c.want("shop", oncall.MonitorUp)
		c.want("other", oncall.MonitorDown)
		c.said("trigger other")
	})
}

func TestOfWhatIsNotAskedAnyMoreOnlyTheEndIsTaken(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		c.post("key-of-osaka", nil, success(t, time.Now(), true, "monitor", "shop"))
		c.apply([]*oncall.Monitor{monitor("other", "sapporo")}, reference("sapporo"))
		time.Sleep(5 * time.Second)
		c.post("key-of-osaka", nil, success(t, time.Now(), true, "monitor", "shop"))
		if len(c.samples) != 1 {
			t.Errorf("got %d samples, want none of a monitor that is gone", len(c.samples)-1)
		}
		end := success(t, time.Now(), true, "monitor", "shop")
		end.Value = remotewrite.Stale()
		c.post("key-of-osaka", nil, end)
		if len(c.samples) != 2 {
			t.Errorf("got %d samples, want the end of its series", len(c.samples)-1)
		}
	})
}

func TestWhatSaysNothingOfTheTargetIsNotInTheMetrics(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		at := time.Now()
		other, err := remotewrite.NewSeries("probe_duration_seconds", map[string]string{"monitor": "shop"})
		if err != nil {
			t.Fatal(err)
		}
		failed := func(reason string) remotewrite.Sample {
			s := success(t, at, false, "monitor", "shop")
			with, err := s.Series.With(map[string]string{exemplarLabel: `{"reason":"` + reason + `","message":"m"}`}, 0, s.At)
			if err != nil {
				t.Fatal(err)
			}
			s.Series = with
			return s
		}
		send := func(reason string) int {
			before := len(c.samples)
			if status, code := c.post("key-of-osaka", nil, remotewrite.Sample{Series: other, At: remotewrite.At(at), Value: 1}, failed(reason)); status != http.StatusNoContent {
				t.Fatalf("got %d %s", status, code)
			}
			return len(c.samples) - before
		}
		if got := send("permission"); got != 0 {
			t.Errorf("got %d samples of a check that the agent could not make, want none", got)
		}
		synctest.Wait()
		if s := c.status("shop"); !strings.Contains(s.Problem, "m") || s.State.Now() == oncall.MonitorDown {
			t.Errorf("got %s, problem %q, want the trouble told", s.State.Now(), s.Problem)
		}
		at = at.Add(15 * time.Second)
		time.Sleep(15 * time.Second)
		if got := send("timeout"); got != 2 {
			t.Errorf("got %d samples of a failure, want both", got)
		}
	})
}
