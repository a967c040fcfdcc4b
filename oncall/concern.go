package oncall

import "slices"

// Concerns reports whether an incident is a user's: who has it, who is being
// paged for it, and, as long as nobody has it, whom its response has asked and
// may ask again. r is its response, nil = none.
func (i *Incident) Concerns(r *Response, user UserID) bool {
	switch {
	case user == "":
		return false
	case i.AcknowledgedBy == user:
		return true
	case r == nil || i.State == Resolved:
		return false
	}
	return r.pages(user) || i.State == Triggered && r.Asked(user)
}

// Asked reports whether a response has asked a user, and still may.
func (r *Response) Asked(user UserID) bool {
	return r.pages(user) || slices.Contains(r.Paged, user) || slices.Contains(r.First, user)
}

// pages reports whether a user is being paged.
func (r *Response) pages(user UserID) bool {
	return slices.ContainsFunc(r.Pages, func(p Page) bool { return p.User == user })
}
