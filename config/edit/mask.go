package edit

import (
	"encoding/json"
	"slices"
	"strings"

	"toban/oncall"
	"toban/store"
)

// hidden stands for the part of an address that is not shown.
const hidden = "••••"

// Masked is an address as it can be shown to anybody who may look: enough to
// tell one from another, too little to use it, such as "+81 •••• 01".
func Masked(c oncall.ContactMethod) string {
	address := []rune(c.Address)
	switch {
	case c.Address == "":
		return ""
	case c.Method == oncall.Push: // a word that means all of somebody's devices
		return c.Address
	case strings.Contains(c.Address, "@"):
		name, host, _ := strings.Cut(c.Address, "@")
		return string([]rune(name)[:min(1, len([]rune(name)))]) + hidden + "@" + host
	case len(address) < 6:
		return hidden
	case strings.HasPrefix(c.Address, "+"):
		return string(address[:3]) + " " + hidden + " " + string(address[len(address)-2:])
	}
	return string(address[:1]) + hidden + string(address[len(address)-2:])
}

// shown is the body of an object as the audit log may keep it: without the
// addresses of people.
func shown(o store.Object) any {
	if o.Kind == store.ObjectUser {
		var u oncall.User
		if err := json.Unmarshal(o.Body, &u); err != nil {
			return nil
		}
		u.Contacts = slices.Clone(u.Contacts)
		for i := range u.Contacts {
			u.Contacts[i].Address = Masked(u.Contacts[i])
		}
		if u.Email != "" {
			u.Email = Masked(oncall.ContactMethod{Method: oncall.Email, Address: u.Email})
		}
		return u
	}
	var body any
	if err := json.Unmarshal(o.Body, &body); err != nil {
		return nil
	}
	return body
}
