package intake

import (
	"net/http"

	"toban/oncall"
)

// Admit returns the integration of a sender that has an address of its own, not
// one with its key in it. The key has to be of an integration of that dialect; it
// counts against what the sender may send.
func (i *Intake) Admit(r *http.Request, key, dialect string) (*oncall.Integration, error) {
	in, err := i.Authenticate(r, key)
	switch {
	case err != nil:
	case in.Dialect != dialect:
		err = ErrMismatch
	case !i.limits.allow(in):
		err = ErrLimited
	}
	if err != nil {
		i.figures.refuse(dialect, err)
		return nil, err
	}
	return in, nil
}
