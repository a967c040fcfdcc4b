package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"
)

// JSONCondition is a jq program on a body. Its first result has to be neither
// false nor null.
type JSONCondition struct {
	text string
	code *gojq.Code
}

// UnmarshalText compiles the program, without access to files and environment.
func (c *JSONCondition) UnmarshalText(text []byte) error {
	query, err := gojq.Parse(string(text))
	if err != nil {
		return fmt.Errorf("this is no jq: %w", err)
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return fmt.Errorf("this is no jq: %w", err)
	}
	c.text, c.code = string(text), code
	return nil
}

// jsonTime is how long all conditions on one body may take.
const jsonTime = time.Second

// judgeJSON says which condition the body doesn't fulfil, "" if there is none.
func judgeJSON(ctx context.Context, conditions []JSONCondition, body []byte) string {
	if len(conditions) == 0 {
		return ""
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return "the body is not JSON"
	}
	ctx, cancel := context.WithTimeout(ctx, jsonTime)
	defer cancel()
	for _, c := range conditions {
		value, _ := c.code.RunWithContext(ctx, doc).Next() // no result is nil, as null is
		err, failed := value.(error)
		switch {
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
