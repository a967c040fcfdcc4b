package access

import "toban/oncall"

// Role is what somebody may do everywhere; each includes those before it.
type Role string

// The roles.
const (
	Viewer    Role = "viewer"    // looks at everything
	Responder Role = "responder" // works on incidents, takes over shifts
	Manager   Role = "manager"   // runs a team: keys, other policies for incidents, acting for others
	Admin     Role = "admin"     // runs toban: accounts, configuration, tokens of all
)

// Roles are all roles, the lowest first.
func Roles() []Role { return []Role{Viewer, Responder, Manager, Admin} }

// rank is the place of r among the roles; 0 = none of them.
func (r Role) rank() int {
	for i, each := range Roles() {
		if r == each {
			return i + 1
		}
	}
	return 0
}

// Includes reports whether who has r may do what other may. A word that is no
// role includes nothing and is included by nothing.
func (r Role) Includes(other Role) bool {
	return other.rank() > 0 && r.rank() >= other.rank()
}

// lower is the lesser of two roles.
func (r Role) lower(other Role) Role {
	if r.Includes(other) {
		return other
	}
	return r
}

// ParseRole reads a role's name, or fails with an Invalid error, access.role_unknown.
func ParseRole(s string) (Role, error) {
	if r := Role(s); r.rank() > 0 {
		return r, nil
	}
	return "", &oncall.Error{
		Kind: oncall.Invalid, Code: "access.role_unknown", Field: "/role",
		Message: "a role is viewer, responder, manager or admin",
	}
}
