package access

import (
	"strings"

	"toban/oncall"

	"golang.org/x/text/unicode/norm"
)

// maxTyped bounds what is looked at as a name, in bytes.
const maxTyped = 1024

// Name returns the name of an account as it is kept, or fails with an Invalid
// error, access.name. Lower and upper case, and letters of full and half width,
// are the same: an input method may be on. A name that can be a user's in the
// configuration can be an account's.
func Name(typed string) (string, error) {
	if name := fold(typed); oncall.IsName(name) {
		return name, nil
	}
	return "", &oncall.Error{
		Kind: oncall.Invalid, Code: "access.name", Field: "/account",
		Message: "a name has letters, digits, . _ and -, at most 63, and begins with a letter or digit",
	}
}

// fold is typed as names are compared; "" for what is too long to be one.
func fold(typed string) string {
	if len(typed) > maxTyped {
		return ""
	}
	// Lower case may be written in several ways again.
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(typed))))
}

// people are the users of one directory by what their names are as accounts.
type people struct {
	dir    *oncall.Directory // one version of the configuration; it never changes
	folded map[string]oncall.UserID
	called map[string]oncall.UserID // by what people call them, such as 松
}

// users returns the people of a directory. They are made once for each version.
func (k *Keeper) users(dir *oncall.Directory) *people {
	if p := k.people.Load(); p != nil && p.dir == dir {
		return p
	}
	p := &people{dir: dir, folded: make(map[string]oncall.UserID, len(dir.Users)), called: make(map[string]oncall.UserID, len(dir.Users))}
	once := func(by map[string]oncall.UserID, name string, id oncall.UserID) {
		if _, taken := by[name]; taken {
			id = "" // two of that name, or who differ in case only: it could be either
		}
		by[name] = id
	}
	for id, u := range dir.Users {
		once(p.folded, fold(string(id)), id)
		if u.Name != "" {
			once(p.called, fold(u.Name), id)
		}
	}
	k.people.Store(p)
	return p
}

// of is the user of an account's name: the one that is called exactly so, or the
// one that only differs in case or width; "" when there is none, or several.
func (p *people) of(account string) oncall.UserID {
	if _, ok := p.dir.Users[oncall.UserID(account)]; ok {
		return oncall.UserID(account)
	}
	return p.folded[account]
}

// account is the name of the account of whom people call so; ok is false when
// there is nobody, or several.
func (p *people) account(typed string) (name string, ok bool) {
	id := p.called[fold(typed)]
	return fold(string(id)), id != ""
}
