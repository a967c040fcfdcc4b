package access

import (
	"errors"
	"testing"

	"toban/oncall"
)

func TestOneActsInOnesOwnNameAndAManagerInAnybodys(t *testing.T) {
	t.Parallel()
	dir := &oncall.Directory{Users: map[oncall.UserID]*oncall.User{"matsu": {ID: "matsu"}, "take": {ID: "take"}}}
	for _, tc := range []struct {
		name string
		who  Principal
		by   oncall.UserID
		want oncall.UserID
		code string
	}{
		{"one's own name", Principal{Account: "matsu", User: "matsu", Role: Responder}, "", "matsu", ""},
		{"one's own name, said", Principal{Account: "matsu", User: "matsu", Role: Responder}, "matsu", "matsu", ""},
		{"another's as a responder", Principal{Account: "matsu", User: "matsu", Role: Responder}, "take", "", "actor.denied"},
		{"another's as a manager", Principal{Account: "matsu", User: "matsu", Role: Manager}, "take", "take", ""},
		{"nobody's account", Principal{Account: "guest", Role: Responder}, "", "", "actor.unknown"},
		{"nobody's account in a name", Principal{Account: "guest", Role: Responder}, "matsu", "", "actor.denied"},
		{"nobody's account of an admin", Principal{Account: "root", Role: Admin}, "matsu", "matsu", ""},
		{"an admin in the name of nobody", Principal{Account: "root", Role: Admin}, "root", "", "user.unknown"},
		{"a user who was taken out", Principal{Account: "ume", User: "ume", Role: Manager}, "", "", "actor.unknown"},
	} {
		got, err := tc.who.Actor(dir, tc.by)
		var e *oncall.Error
		errors.As(err, &e)
		code := ""
		if e != nil {
			code = e.Code
		}
		if got != tc.want || code != tc.code {
			t.Errorf("%s: got %q, %q, want %q, %q", tc.name, got, code, tc.want, tc.code)
		}
	}
}
