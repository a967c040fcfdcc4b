package respond_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// begun is what Begin makes of an incident on a Saturday, beside what the driver
// would have stored after its first step.
func begun(t *testing.T, urgency oncall.Urgency, strategy oncall.Strategy, svc oncall.Service) (inc *oncall.Incident, row *store.ResponseRow, entries []oncall.Entry, dir *oncall.Directory) {
	t.Helper()
	svc.ID, svc.Policy, svc.CatchAll = "shop", "main", true
	dir = &oncall.Directory{
		Services: []*oncall.Service{&svc},
		Policies: map[oncall.PolicyID]*oncall.Policy{"main": {ID: "main", Revision: "rev", Levels: []oncall.Level{
			{Targets: []oncall.Target{{Kind: oncall.TargetUser, Name: "ann"}}, Strategy: strategy, Wait: time.Minute},
		}}},
		Users: map[oncall.UserID]*oncall.User{"ann": {ID: "ann", Contacts: []oncall.ContactMethod{
			{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true},
		}}},
	}
	if err := dir.Compile(); err != nil {
		t.Fatal(err)
	}
	inc = &oncall.Incident{
		ID: "inc_1", Service: "shop", State: oncall.Triggered, Urgency: urgency, Epoch: 1, Title: "disk full",
		TriggeredAt: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC),
	}
	row, entries = respond.Begin(dir, &svc, inc)
	return inc, row, entries, dir
}

func officeHours() *oncall.Hours {
	return &oncall.Hours{Zone: "UTC", During: []oncall.Span{{
		Days: oncall.DaySet{Weekdays: [7]bool{time.Monday: true, time.Tuesday: true}}, From: 9 * 60, To: 18 * 60,
	}}}
}

func TestR6_ALowUrgencyOutsideItsHoursWaitsFromTheFirstCommit(t *testing.T) {
	t.Parallel()
	inc, row, entries, dir := begun(t, oncall.Low, oncall.InOrder, oncall.Service{SupportHours: officeHours()})
	if want := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC); !row.NextAt.Equal(want) || row.NextWhy != oncall.NextStart {
		t.Errorf("next: got %s %s, want the support hours at %s", row.NextAt, row.NextWhy, want)
	}
	want, _ := oncall.NewResponse(inc, "rev").Advance(oncall.Input{Kind: oncall.InDue, Epoch: 1}, oncall.World{Directory: dir, Policy: dir.Policies["main"]}, inc.TriggeredAt)
	if diff := cmp.Diff(want, row.Response); diff != "" {
		t.Errorf("response (-as the driver would step it +got):\n%s", diff)
	}
	if len(entries) != 2 || entries[1].Kind != oncall.EntryWaiting || entries[1].Seq != 2 || entries[1].Incident != inc.ID {
		t.Fatalf("entries: got %+v, want triggered and waiting", entries)
	}
	replayed := oncall.Replay(oncall.NewResponse(inc, "rev"), entries, func(string) *oncall.Policy { return dir.Policies["main"] })
	if diff := cmp.Diff(row.Response, replayed); diff != "" {
		t.Errorf("the timeline does not tell the whole story (-stored +replayed):\n%s", diff)
	}
}

func TestR15_AnIncidentTooYoungToPageWaitsFromTheFirstCommit(t *testing.T) {
	t.Parallel()
	inc, row, _, _ := begun(t, oncall.High, oncall.InOrder, oncall.Service{PageAfter: 5 * time.Minute})
	if want := inc.TriggeredAt.Add(5 * time.Minute); !row.NextAt.Equal(want) {
		t.Errorf("next: got %s, want %s", row.NextAt, want)
	}
}

func TestAFirstStepThatDoesMoreIsTheDrivers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		urgency  oncall.Urgency
		strategy oncall.Strategy
		svc      oncall.Service
	}{
		{"it pages", oncall.High, oncall.InOrder, oncall.Service{}},
		{"it takes turns", oncall.Low, oncall.RoundRobin, oncall.Service{SupportHours: officeHours()}},
	} {
		inc, row, entries, _ := begun(t, tc.urgency, tc.strategy, tc.svc)
		if diff := cmp.Diff(oncall.NewResponse(inc, "rev"), row.Response); diff != "" {
			t.Errorf("%s: response (-untouched +got):\n%s", tc.name, diff)
		}
		if !row.NextAt.Equal(inc.TriggeredAt) || len(entries) != 1 {
			t.Errorf("%s: next at %s with %d entries, want it due at once", tc.name, row.NextAt, len(entries))
		}
	}
}
