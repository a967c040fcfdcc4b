package detect_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"

	"toban/detect"
	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// heardSamples are samples as a receiver reads them.
type heardSamples struct {
	t   *testing.T
	all []string // name{labels} at value, in the order of their coming
}

func (h *heardSamples) take(batch []remotewrite.Sample) {
	h.t.Helper()
	var raw []byte
	for _, s := range batch {
		raw = remotewrite.AppendSample(raw, s)
	}
	got, err := remotewrite.Decode(snappy.Encode(nil, raw))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range got {
		var labels []string
		for _, l := range r.Labels {
			if l.Name != "__name__" {
				labels = append(labels, l.Name+"="+l.Value)
			}
		}
		for _, p := range r.Points {
			value := fmt.Sprint(p.Value)
			if p.Stale() {
				value = "ends"
			}
			h.all = append(h.all, fmt.Sprintf("%s{%s} %d %s", r.Metric(), strings.Join(labels, ","), p.At, value))
		}
	}
}

// of returns what came of a metric since the last call of forget.
func (h *heardSamples) of(metric string) (lines []string) {
	for _, line := range h.all {
		if strings.HasPrefix(line, metric+"{") {
			lines = append(lines, line)
		}
	}
	return lines
}

func (h *heardSamples) want(metric string, want ...string) {
	h.t.Helper()
	if got := h.of(metric); !slices.Equal(got, want) {
		h.t.Errorf("%s: got %q, want %q", metric, got, want)
	}
	h.all = slices.DeleteFunc(h.all, func(line string) bool { return strings.HasPrefix(line, metric+"{") })
}

func website(id string) *oncall.Monitor {
	return &oncall.Monitor{ID: oncall.MonitorID(id), Kind: oncall.MonitorHTTP, Target: "https://shop.example.jp", Every: 15 * time.Second}
}

func at(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)) }

// answered is a check that ended at a time and took a tenth of a second.
func answered(up bool, seconds float64, more ...probe.Sample) *probe.Result {
	return &probe.Result{Up: up, Start: at(seconds - 0.1), Duration: 100 * time.Millisecond, Samples: more}
}

func TestWhatHardlyChangesIsSentWhenItChangesAndEveryTwoMinutes(t *testing.T) {
	t.Parallel()
	h := &heardSamples{t: t}
	s := detect.NewSamples(h.take)
	m := website("shop")
	code := func(v float64) probe.Sample { return probe.Sample{Name: "probe_http_status_code", Value: v} }
	for second := 0.0; second <= 240; second += 15 {
		v := 200.0
		if second == 45 {
			v = 503
		}
		s.Append(m, oncall.Here, at(1000+second), answered(v == 200, 1000+second, code(v)))
	}
	series := "probe_http_status_code{instance=https://shop.example.jp,location=here,monitor=shop} "
	h.want("probe_http_status_code", series+"1000000 200", series+"1045000 503", series+"1060000 200", series+"1180000 200")
	if got := len(h.of("probe_success")); got != 17 {
		t.Errorf("got %d results, want each of 17", got)
	}
}

func TestCountsBeginAtZeroAndBelongToTheTargetNotToOneOfItsMonitors(t *testing.T) {
	t.Parallel()
	h := &heardSamples{t: t}
	s := detect.NewSamples(h.take)
	one, two := website("one"), website("two")
	s.Append(one, oncall.Here, at(1000), answered(false, 1000))
	series := "uptime_checks_total{protocol=http,target=https://shop.example.jp} "
	h.want("uptime_checks_total", series+"999900 0", series+"1000000 1")
	s.Append(two, oncall.Here, at(1005), answered(false, 1005))
	s.Append(one, oncall.Here, at(1015), answered(true, 1015))
	s.Append(two, oncall.Here, at(1015), answered(true, 1015)) // in the same moment
	h.want("uptime_checks_total", series+"1005000 2", series+"1015000 3")
	for second := 1020.0; second <= 1140; second += 15 { // the other one is not asked any more
		s.Append(one, oncall.Here, at(second), answered(true, second))
	}
	got := h.of("uptime_checks_total")
	if len(got) != 9 || got[0] != series+"1020000 5" || got[8] != series+"1140000 13" {
		t.Errorf("got %q, want the count to go on", got)
	}
	if ended := slices.Contains(h.of("probe_success"), "probe_success{instance=https://shop.example.jp,location=here,monitor=two} 1065000 ends"); !ended {
		t.Errorf("got %q, want the end of the other monitor's", h.of("probe_success"))
	}
}

func TestWhatIsNotAskedAnyMoreEnds(t *testing.T) {
	t.Parallel()
	h := &heardSamples{t: t}
	s := detect.NewSamples(h.take)
	s.Append(website("shop"), oncall.Here, at(1000), answered(true, 1000))
	other := &oncall.Monitor{ID: "other", Kind: oncall.MonitorTCP, Target: "127.0.0.1:5432", Every: 15 * time.Second}
	s.Append(other, oncall.Here, at(1200), answered(true, 1200))
	for _, want := range []string{
		"probe_success{instance=https://shop.example.jp,location=here,monitor=shop} 1200000 ends",
		"uptime_checks_total{protocol=http,target=https://shop.example.jp} 1200000 ends",
		`uptime_check_duration_seconds_bucket{le=+Inf,protocol=http,target=https://shop.example.jp} 1200000 ends`,
	} {
		if !slices.Contains(h.all, want) {
			t.Errorf("got %q, want %s", h.all, want)
		}
	}
}

func TestASampleThatIsNoSeriesIsLeftOutAndOthersStay(t *testing.T) {
	t.Parallel()
	h := &heardSamples{t: t}
	s := detect.NewSamples(h.take)
	odd := probe.Sample{Name: "odd", Labels: []probe.Label{{Name: "said", Value: "\xff"}}, Value: 1}
	own := probe.Sample{Name: "own", Labels: []probe.Label{{Name: "monitor", Value: "another"}}, Value: 1}
	s.Append(website("shop"), oncall.Here, at(1000), answered(true, 1000, odd, own, probe.Sample{Name: "last", Value: math.Inf(1)}))
	h.want("odd")
	h.want("own")
	h.want("last", "last{instance=https://shop.example.jp,location=here,monitor=shop} 1000000 +Inf")
}

func TestALongerIntervalEndsNoSeries(t *testing.T) {
	t.Parallel()
	h := &heardSamples{t: t}
	s := detect.NewSamples(h.take)
	s.Append(website("shop"), oncall.Here, at(1000), answered(true, 1000))
	slow := website("shop")
	slow.Every = 10 * time.Minute
	s.Append(slow, oncall.Here, at(1015), answered(true, 1015))
	for second := 1030.0; second < 1600; second += 61 { // others are asked meanwhile
		s.Append(website("other"), oncall.Here, at(second), answered(true, second))
	}
	for _, line := range h.all {
		if strings.HasSuffix(line, "ends") {
			t.Errorf("got %s", line)
		}
	}
}
