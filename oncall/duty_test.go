package oncall

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// phoned is a user with a telephone, or without any way.
func phoned(id UserID, way bool) *User {
	u := &User{ID: id}
	if way {
		u.Contacts = []ContactMethod{{Name: "phone", Method: Call, Address: "+819000000001", Verified: true}}
	}
	return u
}

// watch is a directory in which matsu and take change every week, on Monday at
// 09:00, and service checkout follows policy infra.
func watch(levels ...Level) *Directory {
	return &Directory{
		Users: map[UserID]*User{"matsu": phoned("matsu", true), "take": phoned("take", true), "ume": phoned("ume", true), "mute": phoned("mute", false)},
		Schedules: map[ScheduleID]*Schedule{"infra": {ID: "infra", Zone: "Asia/Tokyo", Layers: []Layer{{
			Name: "week", Users: []UserID{"matsu", "take"}, Rotate: &Rotation{Every: 1, Unit: Week, From: Date{2026, time.November, 16}, Handoff: 540},
		}}}},
		Policies: map[PolicyID]*Policy{"infra": {ID: "infra", Levels: levels, Fallback: Target{TargetUser, "ume"}}},
		Services: []*Service{{ID: "checkout", Policy: "infra"}},
	}
}

func level(strategy Strategy, targets ...Target) Level {
	return Level{Strategy: strategy, Targets: targets, Wait: 5 * time.Minute}
}

func TestABackupIsWhomTheForecastPagesNext(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
	infra := Target{TargetSchedule, "infra"}
	user := func(id string) Target { return Target{TargetUser, id} }
	for _, tc := range []struct {
		name string
		dir  *Directory
		want UserID
	}{
		{"the next level", watch(level(All, infra), level(All, user("take"))), "take"},
		{"never oneself", watch(level(All, infra), level(InOrder, user("matsu"), user("take"))), "take"},
		{"the next in order on the same level", watch(level(InOrder, infra, user("ume"))), "ume"},
		{"not who can't be reached", watch(level(All, infra), level(InOrder, user("mute"), user("take"))), "take"},
		{"not who was paged before", watch(level(All, user("take")), level(All, infra), level(All, user("ume"))), "ume"},
		{"the fallback", watch(level(All, infra)), "ume"},
		{"nobody by turns", watch(level(All, infra), level(RoundRobin, user("take"), user("ume"))), ""},
		{"nobody where no policy in use pages it", watch(level(All, user("take"))), ""},
		{"nobody where policies differ", func() *Directory {
			d := watch(level(All, infra), level(All, user("take")))
			d.Policies["night"] = &Policy{ID: "night", Levels: []Level{level(All, infra)}, Fallback: user("ume")}
			d.Services = append(d.Services, &Service{ID: "search", Policy: "night"})
			return d
		}(), ""},
		{"whatever a policy says that no service follows", func() *Directory {
			d := watch(level(All, infra), level(All, user("take")))
			d.Policies["night"] = &Policy{ID: "night", Levels: []Level{level(All, infra)}, Fallback: user("ume")}
			return d
		}(), "take"},
	} {
		if got := tc.dir.Backup("infra", "matsu", at); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestTheNextHandoverIsTheFirstOfAllSchedules(t *testing.T) {
	t.Parallel()
	d := watch()
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) // 09:00 in Tokyo
	if got := d.NextHandover(monday.Add(-time.Hour)); !got.Equal(monday) {
		t.Errorf("got %v, want %v", got, monday)
	}
	if got := d.NextHandover(monday); !got.Equal(monday.AddDate(0, 0, 7)) {
		t.Errorf("at the hand-over: got %v, want the one behind it", got)
	}
	from := monday.Add(-48 * time.Hour)
	d.Overrides = []Override{{ID: "o", Schedule: "infra", User: "ume", From: from, To: from.Add(time.Hour)}}
	if got := d.NextHandover(from.Add(-time.Hour)); !got.Equal(from) {
		t.Errorf("before an override: got %v, want its beginning %v", got, from)
	}
	if got := d.NextHandover(from); !got.Equal(from.Add(time.Hour)) {
		t.Errorf("within an override: got %v, want its end", got)
	}
	if got := (&Directory{}).NextHandover(monday); !got.IsZero() {
		t.Errorf("without schedules: got %v, want none", got)
	}
}

func TestOnesOwnShiftsAreThoseOfAllSchedulesInOrder(t *testing.T) {
	t.Parallel()
	d := watch()
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	d.Schedules["office"] = &Schedule{ID: "office", Zone: "Asia/Tokyo", Layers: []Layer{{Name: "always", Users: []UserID{"ume"}}}}
	d.Overrides = []Override{{ID: "o", Schedule: "office", User: "take", From: monday.Add(-2 * time.Hour), To: monday.Add(-time.Hour)}}
	got := d.ShiftsOf("take", monday.Add(-24*time.Hour), monday.Add(24*time.Hour))
	want := []OwnShift{
		{"office", Shift{User: "take", From: monday.Add(-2 * time.Hour), To: monday.Add(-time.Hour), Override: true}},
		{"infra", Shift{User: "take", From: monday, To: monday.Add(24 * time.Hour), Layer: "week"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shifts (-want +got):\n%s", diff)
	}
	if got := d.ShiftsOf("mute", monday, monday.Add(24*time.Hour)); got != nil {
		t.Errorf("of who is on no schedule: got %v, want none", got)
	}
}

func TestWhomAPolicyMayPageIsEverybodyOfItsSchedules(t *testing.T) {
	t.Parallel()
	d := watch(level(All, Target{TargetSchedule, "infra"}), level(All, Target{TargetUser, "take"}, Target{TargetUser, "gone"}))
	d.Overrides = []Override{{ID: "o", Schedule: "infra", User: "mute"}}
	if diff := cmp.Diff([]UserID{"matsu", "take", "mute", "ume"}, d.MayPage(d.Policies["infra"], 100)); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if got := d.MayPage(d.Policies["infra"], 2); len(got) != 2 {
		t.Errorf("got %d users, want at most 2", len(got))
	}
}

func TestAnIncidentIsOnesOwnAsLongAsOneIsAskedOrHasIt(t *testing.T) {
	t.Parallel()
	asked := &Response{Paged: []UserID{"paged"}, First: []UserID{"first"}, Pages: []Page{{User: "rings"}}}
	for _, tc := range []struct {
		name string
		inc  Incident
		r    *Response
		want []UserID
	}{
		{"while nobody has it", Incident{State: Triggered}, asked, []UserID{"paged", "first", "rings"}},
		{"when somebody has it", Incident{State: Acknowledged, AcknowledgedBy: "holder"}, asked, []UserID{"rings", "holder"}},
		{"when it is over", Incident{State: Resolved, AcknowledgedBy: "holder"}, asked, []UserID{"holder"}},
		{"without a response", Incident{State: Triggered}, nil, nil},
	} {
		var got []UserID
		for _, user := range []UserID{"", "paged", "first", "rings", "holder", "other"} {
			if tc.inc.Concerns(tc.r, user) {
				got = append(got, user)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
