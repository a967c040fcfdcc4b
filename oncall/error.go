package oncall

import "fmt"

// Kind says what class of failure an Error is; edges map it to a status code.
type Kind uint8

// The kinds of failure. Internal is also what an unknown error counts as: its
// details are logged, never shown.
const (
	Internal Kind = iota
	Invalid
	NotFound
	Conflict
	Unauthenticated
	Denied
	TooLarge
	Limited
	Unavailable
)

// Error is a failure that a person or an API client may see. Code is stable and
// documented under that heading in docs/errors.md; Message is for people and
// holds no secret.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Field   string // JSON pointer to the offending member, where there is one
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Is makes two errors with the same code equal for errors.Is, whatever their
// message says.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
