package incident_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"toban/incident"
	"toban/notify"
	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
)

// rehearse runs f in a bubble of virtual time, on each engine, in a house that
// runs.
func rehearse(t *testing.T, c respondtest.Config, f func(t *testing.T, h *house)) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			synctest.Test(t, func(t *testing.T) {
				h := open(t, dsn, c)
				stop := h.Run(t.Context())
				defer func() {
					stop()
					if err := h.DB.Close(); err != nil {
						t.Error(err)
					}
				}()
				f(t, h)
			})
		})
	}
}

// house is a House with its use cases.
type house struct {
	*respondtest.House
	life *incident.Lifecycle
	dsn  string
}

func open(t *testing.T, dsn string, c respondtest.Config) *house {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{Node: "one"})
	if err != nil {
		t.Fatal(err)
	}
	h := move(t, db, c)
	h.dsn = dsn
	return h
}

func move(t *testing.T, db *store.DB, c respondtest.Config) *house {
	t.Helper()
	h := &house{House: respondtest.Move(t, db, c)}
	h.life = incident.New(db, h.Driver, slog.New(slog.NewTextHandler(t.Output(), nil)))
	h.life.Register(h.Queue)
	return h
}

// never is the script of phones that ring on for as long as they may.
func never(store.OutboxRow) respondtest.Answer { return respondtest.Answer{Never: true} }

func after(d time.Duration) {
	time.Sleep(d) // virtual: every test here runs in a bubble
	synctest.Wait()
}

func kinds(all []oncall.Entry) (out []oncall.EntryKind) {
	for _, e := range all {
		out = append(out, e.Kind)
	}
	return out
}

func has(t *testing.T, all []oncall.Entry, kind oncall.EntryKind) oncall.Entry {
	t.Helper()
	for _, e := range all {
		if e.Kind == kind {
			return e
		}
	}
	t.Errorf("timeline has no %q: %v", kind, kinds(all))
	return oncall.Entry{}
}

func TestR15_AcknowledgeStopsEverythingAtOnce(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		after(2 * time.Second)
		if got := len(h.Phones.Live(t.Context(), id)); got != 1 {
			t.Fatalf("live calls = %d, want 1", got)
		}
		inc, err := h.life.Acknowledge(t.Context(), id, "ben", "api")
		if err != nil {
			t.Fatal(err)
		}
		if inc.State != oncall.Acknowledged || inc.AcknowledgedBy != "ben" {
			t.Errorf("incident = %s by %q, want acknowledged by ben", inc.State, inc.AcknowledgedBy)
		}
		after(time.Second)
		if got := len(h.Phones.Live(t.Context(), id)); got != 0 {
			t.Errorf("live calls a second after the acknowledgement = %d, want 0", got)
		}
		before := len(h.Phones.Claims())
		after(20 * time.Minute)
		if got := len(h.Phones.Claims()); got != before {
			t.Errorf("claims after the acknowledgement = %d, want 0", got-before)
		}
		has(t, h.Timeline(id), oncall.EntryAcknowledged)
	})
}

func TestR15_AcknowledgingWhatIsOverIsANote(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Resolve(t.Context(), id, "ann", "api"); err != nil {
			t.Fatal(err)
		}
		inc, err := h.life.Acknowledge(t.Context(), id, "ben", "api")
		if err != nil {
			t.Fatal(err)
		}
		if inc.State != oncall.Resolved {
			t.Errorf("state = %s, want resolved", inc.State)
		}
		has(t, h.Timeline(id), oncall.EntryTooLate)
	})
}

func TestR15_HealsWhenItsLastAlertClears(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		if _, err := respondtest.Signal(t.Context(), h.DB, "shop", "down", oncall.Resolve, oncall.Critical); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got := h.Incident(id).State; got != oncall.Resolved {
			t.Errorf("state = %s, want resolved", got)
		}
		if got := len(h.Phones.Live(t.Context(), id)); got != 0 {
			t.Errorf("live calls = %d, want 0", got)
		}
		if e := has(t, h.Timeline(id), oncall.EntryResolved); e.Actor != "" {
			t.Errorf("resolved by %q, want nobody", e.Actor)
		}
	})
}

func TestR4_FiringAgainReopensAndPagesWhoHadItFirst(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Acknowledge(t.Context(), id, "cho", "api"); err != nil {
			t.Fatal(err)
		}
		signal := func(a oncall.Action) oncall.IncidentID {
			got, err := respondtest.Signal(t.Context(), h.DB, "shop", "down", a, oncall.Critical)
			if err != nil {
				t.Fatal(err)
			}
			after(time.Second)
			return got
		}
		signal(oncall.Resolve)
		before := len(h.Phones.Claims())
		after(10 * time.Minute)
		if got := signal(oncall.Trigger); got != id {
			t.Errorf("incident = %s, want %s reopened", got, id)
		}
		if got := h.Incident(id).State; got != oncall.Triggered {
			t.Errorf("state = %s, want triggered", got)
		}
		claims := h.Phones.Claims()[before:]
		if len(claims) == 0 || claims[0].Row.Payload.User != "cho" {
			t.Errorf("first paged = %v, want cho", claims)
		}
	})
}

func TestR4_ATitleSaysWhyAnIncidentCameBack(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("backup", oncall.Critical)
		say := func(action oncall.Action, title string) {
			var dir *oncall.Directory
			if err := h.DB.Read(t.Context(), func(tx *store.Tx) (err error) {
				dir, err = tx.Directory(t.Context())
				return err
			}); err != nil {
				t.Fatal(err)
			}
			a := respond.Opening(dir, dir.Service("shop"), oncall.Signal{Key: "backup", Severity: oncall.Critical, Title: title}, "", "", time.Now())
			if a.Signal.Action = action; action != oncall.Trigger {
				a.Incident, a.Response, a.Entries = nil, nil, nil
			}
			if got, err := h.DB.Accept(t.Context(), []store.Acceptance{a}); err != nil || got[0].Incident != id {
				t.Fatalf("got %v %v, want it to be of %s", got, err, id)
			}
			after(time.Second)
		}
		say(oncall.Trigger, "backup: said again in other words")
		if got := h.Incident(id).Title; got != "backup" {
			t.Errorf("got %q after a repetition, want the title to stay", got)
		}
		say(oncall.Resolve, "")
		after(time.Minute)
		say(oncall.Trigger, "backup: late")
		if got := h.Incident(id); got.Title != "backup: late" || got.State != oncall.Triggered {
			t.Errorf("got %q, %s, want it back and its title to say why", got.Title, got.State)
		}
	})
}

func TestR4_ResolvedByHandReopensAtTheNextRepetition(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Resolve(t.Context(), id, "ann", "api"); err != nil {
			t.Fatal(err)
		}
		after(4 * time.Minute)
		h.Open("down", oncall.Critical)
		after(time.Second)
		if got := h.Incident(id).State; got != oncall.Triggered {
			t.Errorf("state = %s, want triggered again", got)
		}
	})
}

func TestR2_RisingToHighPagesAnewAndARepetitionDoesNot(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Failure)
		after(time.Second)
		epoch := h.Incident(id).Epoch
		h.Open("down", oncall.Failure)
		after(time.Second)
		if got := h.Incident(id).Epoch; got != epoch {
			t.Errorf("epoch after a repetition = %d, want %d", got, epoch)
		}
		h.Open("down", oncall.Critical)
		after(time.Second)
		inc := h.Incident(id)
		if inc.Epoch != epoch+1 || inc.Severity != oncall.Critical {
			t.Errorf("epoch, severity = %d, %s, want %d, critical", inc.Epoch, inc.Severity, epoch+1)
		}
		if _, err := h.life.Acknowledge(t.Context(), id, "ann", "api"); err != nil {
			t.Fatal(err)
		}
		h.Open("down", oncall.Critical)
		after(time.Second)
		if got := h.Incident(id).State; got != oncall.Acknowledged {
			t.Errorf("state after a repetition = %s, want acknowledged", got)
		}
	})
}

func TestR6_UrgencyRisesWhileSomebodyHasItAndTakesItFromNobody(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Warning)
		if _, err := h.life.Acknowledge(t.Context(), id, "ann", "api"); err != nil {
			t.Fatal(err)
		}
		h.Open("down", oncall.Critical)
		after(time.Second)
		inc, r := h.Incident(id), h.Response(id).Response
		if inc.State != oncall.Acknowledged || inc.Urgency != oncall.High || r.Urgency != oncall.High || r.Phase != oncall.Held {
			t.Errorf("incident %s %s, response %s %s, want acknowledged, held and high", inc.State, inc.Urgency, r.Phase, r.Urgency)
		}
	})
}

func TestR16_LapsesAndPagesTheHolderFirst(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Acknowledge(t.Context(), id, "cho", "api"); err != nil {
			t.Fatal(err)
		}
		before := len(h.Phones.Claims())
		after(26 * time.Minute)
		has(t, h.Timeline(id), oncall.EntryAsked)
		if _, err := h.life.Note(t.Context(), id, "looking at the disk", "cho", "api"); err != nil {
			t.Fatal(err)
		}
		after(29 * time.Minute)
		if got := h.Incident(id).State; got != oncall.Acknowledged {
			t.Errorf("state 29 min after a note = %s, want acknowledged", got)
		}
		after(2 * time.Minute)
		if got := h.Incident(id).State; got != oncall.Triggered {
			t.Errorf("state = %s, want triggered: the acknowledgement has run out", got)
		}
		claims := h.Phones.Claims()[before:]
		if len(claims) == 0 || claims[0].Row.Payload.User != "cho" {
			t.Errorf("first paged = %v, want cho", claims)
		}
	})
}

func TestR16_SnoozeHasItsOwnEnd(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		if _, err := h.life.Snooze(t.Context(), id, time.Now().Add(3*time.Hour), "ann", "api"); err != nil {
			t.Fatal(err)
		}
		after(3*time.Hour - time.Minute)
		if got := h.Incident(id).State; got != oncall.Acknowledged {
			t.Errorf("state before the end = %s, want acknowledged", got)
		}
		after(2 * time.Minute)
		if got := h.Incident(id).State; got != oncall.Triggered {
			t.Errorf("state after the end = %s, want triggered", got)
		}
		if _, err := h.life.Snooze(t.Context(), id, time.Now().Add(-time.Second), "ann", "api"); !isKind(err, oncall.Invalid) {
			t.Errorf("snooze into the past = %v, want invalid", err)
		}
	})
}

func isKind(err error, k oncall.Kind) bool {
	e, ok := errors.AsType[*oncall.Error](err)
	return ok && e.Kind == k
}

func TestR17_ByHand(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		ctx := t.Context()
		inc, err := h.life.Create(ctx, incident.ByHand{Service: "shop", Title: "the shop is slow", Severity: oncall.Warning, Urgency: oncall.High, By: "ann", Via: "cli"})
		if err != nil {
			t.Fatal(err)
		}
		if inc.Urgency != oncall.High || inc.Number == 0 {
			t.Errorf("urgency, number = %s, %d, want high and one", inc.Urgency, inc.Number)
		}
		after(time.Second)
		paged := func() (out []oncall.UserID) {
			for _, c := range h.Phones.Claims() {
				out = append(out, c.Row.Payload.User)
			}
			return out
		}
		if got, want := paged(), []oncall.UserID{"ann"}; !slices.Equal(got, want) {
			t.Errorf("paged = %v, want %v", got, want)
		}
		if _, err := h.life.Escalate(ctx, inc.ID, "ann", "cli"); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got, want := paged(), []oncall.UserID{"ann", "ben"}; !slices.Equal(got, want) {
			t.Errorf("paged after escalate = %v, want %v", got, want)
		}
		if e := has(t, h.Timeline(inc.ID), oncall.EntryEscalated); e.Actor != "ann" || e.Data.Via != "cli" {
			t.Errorf("escalated = %+v, want by ann via cli", e)
		}
		if _, err := h.life.AddResponder(ctx, inc.ID, []oncall.UserID{"dan"}, "ann", "cli"); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got := paged(); !slices.Contains(got, "dan") {
			t.Errorf("paged = %v, want dan among them", got)
		}
		if _, err := h.life.Reassign(ctx, inc.ID, []oncall.UserID{"cho"}, "ann", "cli"); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		if got := paged(); got[len(got)-1] != "cho" {
			t.Errorf("paged = %v, want cho last", got)
		}
		if _, err := h.life.SetPolicy(ctx, inc.ID, "nothing", "ann", "cli"); !isKind(err, oncall.Invalid) {
			t.Errorf("unknown policy = %v, want invalid", err)
		}
		for _, u := range []oncall.UserID{"ben", "dan"} {
			for _, l := range h.Phones.Live(ctx, inc.ID) {
				if l.User == u {
					t.Errorf("%s still rings after the incident was reassigned", u)
				}
			}
		}
		if _, err := h.life.Reassign(ctx, inc.ID, []oncall.UserID{"nobody"}, "ann", "cli"); !isKind(err, oncall.Invalid) {
			t.Errorf("reassign to an unknown user = %v, want invalid", err)
		}
		if found, err := h.life.Find(ctx, "#1"); err == nil && found == inc.ID && inc.Number != 1 {
			t.Errorf("#1 = %s, but its number is %d", found, inc.Number)
		}
	})
}

func TestR17_AnotherPolicyStartsAnewAndReplays(t *testing.T) {
	other := respondtest.Small()
	other.ID, other.Levels = "other", other.Levels[1:]
	other.Levels[0].Strategy = oncall.RoundRobin
	more := []store.Object{respondtest.Object(t, store.ObjectPolicy, "other", other)}
	rehearse(t, respondtest.Config{Script: never, More: more}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		if _, err := h.life.SetPolicy(t.Context(), id, "other", "ann", "cli"); err != nil {
			t.Fatal(err)
		}
		after(7 * time.Second) // a claim that met the lock is found again by the sweep
		claims := h.Phones.Claims()
		if got := claims[len(claims)-1].Row.Payload.User; got != "ben" && got != "cho" {
			t.Errorf("paged = %s, want ben or cho, of the other policy", got)
		}
		after(10 * time.Minute)
		replayed(t, h, id)
	})
}

func TestR4_ReopenByHandNeedsAnIncidentThatIsOver(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		ctx := t.Context()
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Reopen(ctx, id, "ann", "api"); !errors.Is(err, incident.ErrOpen) {
			t.Errorf("reopen an open one = %v, want %v", err, incident.ErrOpen)
		}
		if _, err := h.life.Renew(ctx, id, "ann", "api"); !errors.Is(err, incident.ErrNotHeld) {
			t.Errorf("renew what nobody has = %v, want %v", err, incident.ErrNotHeld)
		}
		if _, err := h.life.Resolve(ctx, id, "ann", "api"); err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]func() error{
			"escalate": func() error { _, err := h.life.Escalate(ctx, id, "ann", "api"); return err },
			"reassign": func() error {
				_, err := h.life.Reassign(ctx, id, []oncall.UserID{"ben"}, "ann", "api")
				return err
			},
			"renew":  func() error { _, err := h.life.Renew(ctx, id, "ann", "api"); return err },
			"snooze": func() error { _, err := h.life.Snooze(ctx, id, time.Now().Add(time.Hour), "ann", "api"); return err },
		} {
			if err := f(); !errors.Is(err, oncall.ErrResolved) {
				t.Errorf("%s what is over = %v, want %v", what, err, oncall.ErrResolved)
			}
		}
		inc, err := h.life.Reopen(ctx, id, "ann", "api")
		if err != nil {
			t.Fatal(err)
		}
		if inc.State != oncall.Triggered {
			t.Errorf("state = %s, want triggered", inc.State)
		}
		after(time.Second)
		if e := has(t, h.Timeline(id), oncall.EntryReopened); e.Actor != "ann" {
			t.Errorf("reopened by %q, want ann", e.Actor)
		}
	})
}

func TestCreateTwiceWithOneKeyIsOneIncident(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		n := incident.ByHand{Service: "shop", Title: "slow", Key: "slow", By: "ann"}
		one, err := h.life.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		two, err := h.life.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if one.ID != two.ID {
			t.Errorf("incidents = %s and %s, want one", one.ID, two.ID)
		}
		n.Service = "nothing"
		if _, err := h.life.Create(t.Context(), n); !isKind(err, oncall.Invalid) {
			t.Errorf("unknown service = %v, want invalid", err)
		}
	})
}

func TestR21_KeysActOnTheIncident(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		ctx := t.Context()
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		call := h.Phones.Live(ctx, id)[0]
		press := func(digit string) notify.Said {
			t.Helper()
			said, err := h.life.Press(ctx, call.ID, digit)
			if err != nil {
				t.Fatal(err)
			}
			return said
		}
		if got := press("7"); got.Kind != notify.SaidUnknown {
			t.Errorf("key 7 = %+v, want unknown", got)
		}
		if got := press("2"); got.Kind != notify.SaidDeclined {
			t.Errorf("key 2 = %+v, want declined", got)
		}
		after(time.Second)
		claims := h.Phones.Claims()
		if got := claims[len(claims)-1].Row.Payload.User; got != "ben" {
			t.Errorf("paged a second after key 2 = %s, want ben", got)
		}
		if got := press("1"); got.Kind != notify.SaidAcknowledged || got.Incidents[0].Holder != "ann" {
			t.Errorf("key 1 = %+v, want acknowledged by ann", got)
		}
		after(time.Second)
		for _, l := range h.Phones.Live(ctx, id) {
			if l.User != "ann" {
				t.Errorf("%s still rings", l.User)
			}
		}
		if got := press("9"); got.Kind != notify.SaidResolved {
			t.Errorf("key 9 = %+v, want resolved", got)
		}
		if got := press("1"); got.Kind != notify.SaidLate {
			t.Errorf("key 1 afterwards = %+v, want late", got)
		}
	})
}

func TestR21_ALateKeyIsANoteAndSaysWhoHasIt(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		ctx := t.Context()
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		call := h.Phones.Live(ctx, id)[0]
		if _, err := h.life.Acknowledge(ctx, id, "ben", "api"); err != nil {
			t.Fatal(err)
		}
		said, err := h.life.Press(ctx, call.ID, "1")
		if err != nil {
			t.Fatal(err)
		}
		if said.Kind != notify.SaidLate || said.Incidents[0].Holder != "ben" {
			t.Errorf("said = %+v, want late, held by ben", said)
		}
		has(t, h.Timeline(id), oncall.EntryTooLate)
	})
}

func TestUnknownIncidentAndLimits(t *testing.T) {
	rehearse(t, respondtest.Config{}, func(t *testing.T, h *house) {
		ctx := context.WithoutCancel(t.Context())
		if _, err := h.life.Acknowledge(ctx, "inc_none", "ann", "api"); !errors.Is(err, oncall.ErrUnknownIncident) {
			t.Errorf("acknowledge = %v, want %v", err, oncall.ErrUnknownIncident)
		}
		if _, err := h.life.Find(ctx, "#99999999999999999999"); !errors.Is(err, oncall.ErrUnknownIncident) {
			t.Errorf("find = %v, want %v", err, oncall.ErrUnknownIncident)
		}
		if _, err := h.life.Note(ctx, "inc_none", string(make([]byte, 9<<10)), "ann", "api"); !isKind(err, oncall.Invalid) {
			t.Errorf("note = %v, want invalid", err)
		}
	})
}
