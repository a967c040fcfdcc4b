package access

import "toban/oncall"

// Actor is in whose name p does something to an incident: that of its own user,
// unless by names another one, which takes a manager. A holder who does not
// exist would silence an incident and could be asked nothing, so there has to be
// such a user. It fails with actor.unknown, user.unknown or actor.denied.
func (p Principal) Actor(dir *oncall.Directory, by oncall.UserID) (oncall.UserID, error) {
	switch {
	case by == "" && p.User != "" && dir.Users[p.User] != nil:
		return p.User, nil
	case by == "":
		return "", &oncall.Error{
			Kind: oncall.Invalid, Code: "actor.unknown", Field: "/by",
			Message: "say who acts: give `by` with the name of a user (on the command line --as USER, or TOBAN_USER), or add the user " + p.Account +
				" to the configuration: that is your account, and it is nobody who can be reached",
		}
	case by != p.User && !p.Role.Includes(Manager):
		return "", &oncall.Error{
			Kind: oncall.Denied, Code: "actor.denied", Field: "/by",
			Message: "acting in the name of " + string(by) + " takes the role manager or a higher one; leave `by` out to act in your own",
		}
	case dir.Users[by] == nil:
		return "", &oncall.Error{
			Kind: oncall.Invalid, Code: "user.unknown", Field: "/by",
			Message: "there is no user named " + string(by) + " in the configuration; `toban user list` has those that are",
		}
	}
	return by, nil
}
