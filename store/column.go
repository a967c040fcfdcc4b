package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// millis is a time as it is kept: Unix milliseconds, NULL for the zero time.
type millis time.Time

// Scan reads a BIGINT.
func (m *millis) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m = millis{}
	case int64:
		*m = millis(time.UnixMilli(v).UTC())
	default:
		return fmt.Errorf("store: a time is a BIGINT, not %T", v)
	}
	return nil
}

// Value writes a BIGINT.
func (m millis) Value() (driver.Value, error) { return ms(time.Time(m)), nil }

// ms is a time as an argument.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// text reads a TEXT column in which NULL stands for the empty string.
type text[T ~string] struct{ to *T }

// Scan reads a TEXT.
func (t text[T]) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t.to = ""
	case string:
		*t.to = T(v)
	case []byte:
		*t.to = T(v)
	default:
		return fmt.Errorf("store: a TEXT is a string, not %T", v)
	}
	return nil
}

// into reads a nullable TEXT into a string of any name.
func into[T ~string](to *T) text[T] { return text[T]{to} }

// str is a string as an argument, NULL for the empty one.
func str[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// document reads a TEXT column that holds JSON.
type document struct{ to any }

// Scan decodes the JSON.
func (d document) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), d.to)
	case []byte:
		return json.Unmarshal(v, d.to)
	}
	return fmt.Errorf("store: a document is TEXT, not %T", v)
}

// encode is a value as a document.
func encode(v any) (string, error) {
	body, err := json.Marshal(v)
	return string(body), err
}

// labels is a map as a document, never null.
func labels(m map[string]string) (string, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	return encode(m)
}

// clean makes text from outside fit for a TEXT column: PostgreSQL refuses NUL
// and what is not UTF-8, and a signal that says it would be refused for ever.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// fits reports whether s can be in a TEXT column at all: what can't is unknown.
func fits[T ~string](s T) bool { return clean(string(s)) == string(s) }

// ids are names as arguments.
func ids[T ~string](names []T) []any {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = string(name)
	}
	return args
}
