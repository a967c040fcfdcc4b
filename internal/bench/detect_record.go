package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/internal/remotewrite"
)

// recording is what checks of a real target have measured, read from the store
// of samples: it stands for the past of others.
type recording struct {
	series []recorded
	checks int // that each of the series has a value of
}

// recorded is one series of the target.
type recorded struct {
	name   string
	labels map[string]string
	values []float64 // a check each; of a counter, what it added
	counts bool
}

const (
	recordedTarget = "t0"
	leastChecks    = 5
)

// record watches a target once a second and returns what was measured.
func (r *runner) record(ctx context.Context) (of *recording, err error) {
	w, err := r.watchTargets(ctx, 1, probeMonitors(1, time.Second, ""))
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(w.site, err) }()
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	lasted := max(settled*r.o.Duration, 2*leastChecks*time.Second)
	if !until(ctx, time.Now().Add(lasted)) {
		return nil, ctx.Err()
	}
	var all []rawSeries
	for _, question := range []string{
		fmt.Sprintf(`{__name__!~"ALERTS.*", monitor=%q}[1h]`, recordedTarget),
		fmt.Sprintf(`{target=%q}[1h]`, w.targets.url(0)),
	} {
		some, err := w.raw(ctx, question)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return recordingOf(all)
}

// rawSeries is a series in Prometheus' API.
type rawSeries struct {
	Metric map[string]string `json:"metric"`
	Values []rawValue        `json:"values"`
}

// rawValue is a time in Unix seconds and a value as text.
type rawValue struct {
	At    float64
	Value string
}

// UnmarshalJSON reads [time, "value"].
func (v *rawValue) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&v.At, &v.Value})
}

// raw asks for samples as they are kept.
func (w *watch) raw(ctx context.Context, question string) ([]rawSeries, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://metrics/prometheus/api/v1/query?query="+url.QueryEscape(question), http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := w.api.Do(r)
	if err != nil {
		return nil, err
	}
	var said struct {
		Error string `json:"error"`
		Data  struct {
			Result []rawSeries `json:"result"`
		} `json:"data"`
	}
	err = errors.Join(json.NewDecoder(res.Body).Decode(&said), res.Body.Close())
	if err == nil && said.Error != "" {
		err = fmt.Errorf("%s: %s", question, said.Error)
	}
	return said.Data.Result, err
}

// recordingOf makes a recording of the series that have a value of each of the
// last checks.
func recordingOf(all []rawSeries) (*recording, error) {
	most := 0
	for _, s := range all {
		most = max(most, len(s.Values))
	}
	of := &recording{checks: most - 2}
	if of.checks < leastChecks {
		return nil, fmt.Errorf("only %d checks were recorded", most)
	}
	for _, s := range all {
		one := recorded{name: s.Metric["__name__"], labels: s.Metric}
		one.counts = slices.ContainsFunc([]string{"_total", "_bucket", "_count", "_sum"}, func(end string) bool { return strings.HasSuffix(one.name, end) })
		delete(one.labels, "__name__")
		if len(s.Values) < most-1 {
			continue // it comes now and then
		}
		var before float64
		for i, pair := range s.Values[len(s.Values)-most+1:] {
			value, err := strconv.ParseFloat(pair.Value, 64)
			if err != nil {
				return nil, err
			}
			if i > 0 && one.counts {
				one.values = append(one.values, value-before)
			} else if i > 0 {
				one.values = append(one.values, value)
			}
			before = value
		}
		of.series = append(of.series, one)
	}
	if len(of.series) == 0 {
		return nil, errors.New("no series was recorded")
	}
	return of, nil
}

// replay is a monitor of the past.
type replay struct {
	of     *recording
	series []*remotewrite.Series
	sums   []float64 // of counters
}

// replay returns the i-th monitor that has measured the like.
func (of *recording) replay(i int) (*replay, error) {
	p := &replay{of: of, sums: make([]float64, len(of.series))}
	for _, s := range of.series {
		labels := map[string]string{}
		for name, value := range s.labels {
			switch name {
			case "monitor":
				value = fmt.Sprintf("t%d", i)
			case "instance", "target":
				value = fmt.Sprintf("http://shop%d.example.jp/", i)
			}
			labels[name] = value
		}
		series, err := remotewrite.NewSeries(s.name, labels)
		if err != nil {
			return nil, err
		}
		p.series = append(p.series, series)
	}
	return p, nil
}

// next appends what it measures at a time, as the check that was recorded did.
func (p *replay) next(batch []remotewrite.Sample, at time.Time, check int) []remotewrite.Sample {
	for i, s := range p.of.series {
		value := s.values[check]
		if s.counts {
			p.sums[i] += value
			value = p.sums[i]
		}
		batch = append(batch, remotewrite.Sample{Series: p.series[i], At: remotewrite.At(at), Value: value})
	}
	return batch
}
