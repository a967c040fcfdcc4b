package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/itchyny/gojq"
)

// JSONCondition is a jq program on a body. Its first result has to be neither
// false nor null.
type JSONCondition struct {
	text    string
	code    *gojq.Code
	longest int // bytes of a body that it is asked about
}

// UnmarshalText compiles the program, without access to files and environment,
// and refuses what could take long or much memory on some body.
func (c *JSONCondition) UnmarshalText(text []byte) error {
	if len(text) > maxCondition {
		return fmt.Errorf("a condition of more than %d bytes", maxCondition)
	}
	query, err := gojq.Parse(string(text))
	if err != nil {
		return fmt.Errorf("this is no jq: %w", err)
	}
	l := language{most: 1}
	if _, err := l.query(query, one); err != nil {
		return err
	}
	code, err := gojq.Compile(query, append(bounds(), gojq.WithEnvironLoader(func() []string { return nil }))...)
	if err != nil {
		return fmt.Errorf("this is no jq: %w", err)
	}
	c.text, c.code, c.longest = string(text), code, maxJudged/l.most
	return nil
}

// jsonTime is how long all conditions on one body may take.
const jsonTime = time.Second

// jsonMemory is by how many bytes toban may grow while conditions run. A program
// that makes values without end would otherwise end the pager before its time
// is over.
const jsonMemory = 256 << 20

// jsonLook is how often that is looked at; most conditions are over before.
const jsonLook = 5 * time.Millisecond

var errJSONMemory = errors.New("too much memory")

// watchMemory cancels when the process has grown by more than limit bytes, until
// stop is called.
func watchMemory(cancel context.CancelCauseFunc, limit uint64) (stop func()) {
	heap := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	done := make(chan struct{})
	first := time.AfterFunc(jsonLook, func() {
		before := heap()
		tick := time.NewTicker(jsonLook)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if now := heap(); now > before+limit {
					cancel(errJSONMemory)
					return
				}
			}
		}
	})
	return func() {
		first.Stop()
		close(done)
	}
}

// judgeJSON says which condition the body doesn't fulfil, "" if there is none.
func judgeJSON(ctx context.Context, conditions []JSONCondition, body []byte) string {
	if len(conditions) == 0 {
		return ""
	}
	for _, c := range conditions {
		if len(body) > c.longest {
			return fmt.Sprintf("the body is larger than %d bytes, too large for the condition %s", c.longest, c.text)
		}
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return "the body is not JSON"
	}
	ctx, cancel := context.WithTimeout(ctx, jsonTime)
	defer cancel()
	ctx, full := context.WithCancelCause(ctx)
	defer watchMemory(full, jsonMemory)()
	for _, c := range conditions {
		value, _ := c.code.RunWithContext(ctx, doc).Next() // no result is nil, as null is
		err, failed := value.(error)
		switch {
		case failed && errors.Is(context.Cause(ctx), errJSONMemory):
			return fmt.Sprintf("the condition %s takes too much memory on the body", c.text)
		case failed && errors.Is(err, context.DeadlineExceeded):
			return fmt.Sprintf("the condition %s took too long on the body", c.text)
		case failed:
			return fmt.Sprintf("the condition %s does not fit the body: %s", c.text, err)
		case value == nil, value == false:
			return fmt.Sprintf("the body does not fulfil %s", c.text)
		}
	}
	return ""
}
