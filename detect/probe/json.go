package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"toban/internal/jq"
)

// JSONCondition is a jq program on a body. Its first result has to be neither
// false nor null.
type JSONCondition struct{ program *jq.Program }

// UnmarshalText compiles the program, without access to files and environment,
// and refuses what could take long or much memory on some body.
func (c *JSONCondition) UnmarshalText(text []byte) (err error) {
	c.program, err = jq.Condition(string(text))
	return err
}

// longest is how many bytes of a body it is asked about.
func (c JSONCondition) longest() int { return maxJudged / c.program.Copies() }

// Limits of all conditions of one module together.
const (
	maxConditions = 100
	maxAllCopies  = 256 // of the body, that they hold one after the other
)

// checkJSON bounds what the conditions of one module take together: each by itself
// has its bounds already.
func checkJSON(all []JSONCondition) error {
	if len(all) > maxConditions {
		return fmt.Errorf("more than %d conditions", maxConditions)
	}
	copies := 0
	for _, c := range all {
		if c.program != nil {
			copies += c.program.Copies()
		}
	}
	if copies > maxAllCopies {
		return fmt.Errorf("all conditions together make more than %d copies of the body; use fewer, or fewer commas, sums and collections in them", maxAllCopies)
	}
	return nil
}

// jsonTime is how long all conditions on one body may take.
const jsonTime = time.Second

// judgeJSON says which condition the body doesn't fulfil, "" if there is none.
func judgeJSON(ctx context.Context, conditions []JSONCondition, body []byte) string {
	if len(conditions) == 0 {
		return ""
	}
	for _, c := range conditions {
		if len(body) > c.longest() {
			return fmt.Sprintf("the body is larger than %d bytes, too large for the condition %s", c.longest(), c.program)
		}
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return "the body is not JSON"
	}
	ctx, stop := jq.Within(ctx, jsonTime)
	defer stop()
	for _, c := range conditions {
		var value any // no result is nil, as null is
		var err error
		for value, err = range c.program.Run(ctx, doc) {
			break
		}
		switch {
		case err != nil && errors.Is(context.Cause(ctx), jq.ErrMemory):
			return fmt.Sprintf("the condition %s takes too much memory on the body", c.program)
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Sprintf("the condition %s took too long on the body", c.program)
		case err != nil:
			return fmt.Sprintf("the condition %s does not fit the body: %s", c.program, err)
		case value == nil, value == false:
			return fmt.Sprintf("the body does not fulfil %s", c.program)
		}
	}
	return ""
}
