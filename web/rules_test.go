package web

import (
	"testing"
	"time"

	"toban/oncall"
)

// What is said must be what oncall makes of a user without rules (R20).
func TestR20_WithoutRulesThePageSaysWhatHappensInstead(t *testing.T) {
	t.Parallel()
	phone := oncall.ContactMethod{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true}
	mail := oncall.ContactMethod{Name: "mail", Method: oncall.Email, Address: "a@example.jp", Verified: true}
	unverified := phone
	unverified.Verified = false
	rules := map[oncall.Urgency][]oncall.NotificationRule{oncall.High: {{After: time.Minute, Via: []string{"phone"}}}}
	for _, tc := range []struct {
		name      string
		user      oncall.User
		high, low string // what stands in the place of rules
	}{
		{"a phone and a mail address", oncall.User{Contacts: []oncall.ContactMethod{phone, mail}}, "calls", "calls"},
		{"no phone that was verified", oncall.User{Contacts: []oncall.ContactMethod{unverified, mail}}, "all", "all"},
		{"nothing that was verified", oncall.User{Contacts: []oncall.ContactMethod{unverified}}, "nobody", "nobody"},
		{"rules for high urgency alone", oncall.User{Contacts: []oncall.ContactMethod{phone}, Rules: rules}, "", "high"},
	} {
		got := rulesOf(&tc.user)
		if len(got) != 2 || got[0].Note != tc.high || got[1].Note != tc.low {
			t.Errorf("%s: got %+v, want %q and %q", tc.name, got, tc.high, tc.low)
		}
	}
}
