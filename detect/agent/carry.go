package agent

import (
	"strconv"
	"sync"
	"time"

	"toban/detect"
	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// carrier makes samples of results, those that the core's own checks make. The
// sample that says whether the target is up has an exemplar with what there is to
// say of it.
type carrier struct {
	samples *detect.Samples
	out     func([]remotewrite.Sample)

	mu       sync.Mutex // samples are made one check after the other
	result   *probe.Result
	question string // that it answers
	at       int64
}

func newCarrier(out func([]remotewrite.Sample)) *carrier {
	c := &carrier{out: out}
	c.samples = detect.NewSamples(c.take)
	return c
}

// carry hands a result on, the answer of that question. It does not block.
func (c *carrier) carry(m *oncall.Monitor, question, location string, r *probe.Result) {
	at := r.Start.Add(r.Duration)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result, c.question, c.at = r, question, remotewrite.At(at)
	c.samples.Append(m, location, at, r)
	c.result = nil
}

// take gets the samples of the result that is carried, the success first; or ends
// of series that are not measured any more. c.mu is held.
func (c *carrier) take(batch []remotewrite.Sample) {
	if len(batch) == 0 {
		return
	}
	if r := c.result; r != nil && batch[0].At == c.at && batch[0].Value == batch[0].Value { // the end of a series is not a number
		c.result = nil
		labels := map[string]string{exemplarLabel: detect.EncodeReport(r, c.question)}
		if with, err := batch[0].Series.With(labels, batch[0].Value, c.at); err == nil { // without it only the reason is missing
			batch[0].Series = with
		}
		if !r.Up {
			batch[0].Soon = true
		}
	}
	c.out(batch)
}

func sentNow() string { return strconv.FormatInt(time.Now().UnixMilli(), 10) }
