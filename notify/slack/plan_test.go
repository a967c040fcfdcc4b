package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// standing is an incident of an hour ago that everything shows as it is.
func standing(change ...func(w *wanted, st *state)) (wanted, state) {
	w := wanted{
		Incident: &oncall.Incident{
			ID: "inc_1", Number: 42, Service: "checkout", Title: "down", State: oncall.Triggered, Severity: oncall.Critical,
			Urgency: oncall.High, TriggeredAt: noon.Add(-time.Hour),
		},
		Directory: &oncall.Directory{
			Settings: oncall.Settings{Language: "en", Zone: "UTC"},
			Users:    map[oncall.UserID]*oncall.User{"matsu": {Name: "Matsu"}, "take": {Name: "Take"}},
		},
		Now: noon, Team: "#alerts", Quiet: 15 * time.Minute, Settle: 15 * time.Second,
		Members: map[oncall.UserID]string{"matsu": "U1", "take": "U2"},
	}
	st := state{
		Team: post{Channel: "C1", TS: "1.1", At: noon.Add(-time.Minute)},
		Room: room{ID: "C2", Name: "inc-42-checkout", Topic: w.topic(), Card: post{Channel: "C2", TS: "2.1", At: noon.Add(-time.Minute)}},
	}
	st.Team.Shows, st.Room.Card.Shows = w.card(st.Room.ID).Shows, w.card("").Shows
	for _, c := range change {
		c(&w, &st)
	}
	return w, st
}

func line(seq int64, kind oncall.EntryKind, by string) oncall.Entry {
	return oncall.Entry{Seq: seq, Kind: kind, Actor: by, At: noon, Data: oncall.EntryData{Text: "x"}}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	resolved := func(ago time.Duration) func(w *wanted, st *state) {
		return func(w *wanted, st *state) {
			w.Incident.State, w.Incident.ResolvedAt = oncall.Resolved, noon.Add(-ago)
			st.Room.Topic = w.topic()
			st.Team.Shows, st.Room.Card.Shows = w.card(st.Room.ID).Shows, w.card("").Shows
		}
	}
	for _, tc := range []struct {
		name   string
		change func(w *wanted, st *state)
		want   []string
		again  time.Duration // from now; zero = never
	}{
		{"everything stands", func(*wanted, *state) {}, nil, 0},
		{"nothing is there", func(w *wanted, st *state) { *st, w.Own = state{}, true }, []string{"team post", "room create inc-42-checkout"}, 0},
		{"names are taken", func(w *wanted, st *state) { st.Room, w.Own = room{Taken: 2}, true }, []string{"team update", "room create inc-42-checkout-3"}, 0},
		{"no channel of its own is wanted", func(_ *wanted, st *state) { *st = state{} }, []string{"team post"}, 0},
		{"no team channel", func(w *wanted, st *state) { *st, w.Team = state{}, "" }, nil, 0},
		{"slack refuses the team's channel", func(_ *wanted, st *state) { st.Team = post{}; st.refuse(partTeam, "x") }, nil, 0},
		{"slack makes no channels", func(w *wanted, st *state) {
			w.Own, *st = true, state{Team: st.Team, Refused: map[part]string{partRoom: "restricted_action"}}
			st.Team.Shows = w.card(st.Room.ID).Shows
		}, nil, 0},
		{"somebody has it", func(w *wanted, _ *state) {
			w.Incident.State, w.Incident.AcknowledgedBy, w.Incident.AcknowledgedAt = oncall.Acknowledged, "take", noon
			w.Lines, w.Last = []oncall.Entry{line(7, oncall.EntryAcknowledged, "take")}, 8
		}, []string{"team update", "thread post #8: Take has taken it (until )", "card update", "tell post #8: Take has taken it (until )", "room topic <@U2> has it since 12:00 · triggered 20 Nov 11:00 · down"}, 0},
		{"only the next action moved, a minute ago", func(w *wanted, _ *state) { w.NextAt, w.NextWhy = noon.Add(time.Minute), oncall.NextLevel }, []string{"team update", "card update"}, 0},
		{"only the next action moved, just now", func(w *wanted, st *state) {
			w.NextAt, w.NextWhy = noon.Add(time.Minute), oncall.NextLevel
			st.Team.At, st.Room.Card.At = noon.Add(-5*time.Second), noon.Add(-2*time.Second)
		}, nil, 10 * time.Second},
		{"changes are folded", func(w *wanted, st *state) {
			w.Lines, w.Last = []oncall.Entry{line(3, oncall.EntryNote, "take"), line(5, oncall.EntryNote, "matsu")}, 6
			st.Thread = 6
		}, []string{"tell post #6: <!date^1795176000^{time_secs}|12:00:00> Take: x / <!date^1795176000^{time_secs}|12:00:00> Matsu: x"}, 0},
		{"a repetition is a reminder", func(w *wanted, st *state) {
			w.Lines, w.Last, st.Thread = []oncall.Entry{line(3, oncall.EntryRepeated, ""), line(4, oncall.EntryRepeated, "")}, 4, 4
		}, []string{"tell post remind #4: Still firing after 60 min. Nobody has it"}, 0},
		{"without a channel of its own the thread reminds", func(w *wanted, st *state) {
			w.Lines, w.Last, st.Room = []oncall.Entry{line(3, oncall.EntryRepeated, "")}, 3, room{}
			st.Team.Shows = w.card(st.Room.ID).Shows
		}, []string{"thread post remind #3: Still firing after 60 min. Nobody has it"}, 0},
		{"a reminder a minute ago is enough", func(w *wanted, st *state) {
			w.Lines, w.Last, st.Reminded = []oncall.Entry{line(3, oncall.EntryRepeated, "")}, 3, noon.Add(-time.Minute)
		}, nil, 0},
		{"the holder is asked", func(w *wanted, st *state) {
			w.Incident.State, w.Incident.AcknowledgedBy, w.Incident.AcknowledgedAt = oncall.Acknowledged, "take", noon
			st.Room.Topic, st.Thread = w.topic(), 9
			st.Team.Shows, st.Room.Card.Shows = w.card(st.Room.ID).Shows, w.card("").Shows
			w.Lines, w.Last = []oncall.Entry{line(9, oncall.EntryAsked, "")}, 9
		}, []string{"tell post ask #9: Asked  whether they are still on it (until )"}, 0},
		{"people are missing", func(w *wanted, st *state) {
			w.Concerned = []oncall.UserID{"take", "matsu", "take", "nobody"}
			st.Room.Invited = []string{"U1"}
		}, []string{"room invite U2"}, 0},
		{"one of several could not come", func(w *wanted, st *state) {
			w.Concerned, st.Room.Singly = []oncall.UserID{"take", "matsu"}, true
		}, []string{"room invite U2"}, 0},
		{"over, 5 min ago", resolved(5 * time.Minute), nil, 10 * time.Minute},
		{"over, 20 min ago", resolved(20 * time.Minute), []string{"room archive"}, 0},
		{"over and archived", func(w *wanted, st *state) { resolved(20*time.Minute)(w, st); st.Room.Archived = true }, nil, 0},
		{"over before anything was posted", func(w *wanted, st *state) { resolved(time.Minute)(w, st); *st, w.Own = state{}, true }, []string{"team post"}, 0},
		{"over long ago and never posted", func(w *wanted, st *state) { resolved(2*time.Hour)(w, st); *st, w.Own = state{}, true }, nil, 0},
		{"back after it was archived", func(w *wanted, st *state) {
			st.Room.Archived, st.Room.Told, st.Thread = true, 8, 9
			w.Lines, w.Last = []oncall.Entry{line(9, oncall.EntryReopened, "")}, 9
		}, []string{"room reopen"}, 0},
		{"archived by somebody", func(_ *wanted, st *state) { st.Room.Archived = true }, nil, 0},
		{"the message was deleted", func(w *wanted, st *state) {
			st.Team.Gone, st.Room.Card.Gone, w.Incident.Title = true, true, "new"
			st.Room.Topic = w.topic()
		}, nil, 0},
		{"a digest tells of it", func(_ *wanted, st *state) { st.Digest, st.Team = "dig_1", post{Shows: st.Team.Shows} }, nil, 0},
		{"a digest tells otherwise", func(w *wanted, st *state) {
			st.Digest, st.Team, st.Room = "dig_1", post{Shows: st.Team.Shows}, room{}
			w.Incident.State, w.Incident.AcknowledgedBy = oncall.Acknowledged, "take"
		}, []string{"digest update"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w, st := standing(tc.change)
			ops, again := plan(w, st)
			var got []string
			for _, o := range ops {
				got = append(got, say(o))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if in := again.Sub(noon); !again.IsZero() && in != tc.again || again.IsZero() && tc.again != 0 {
				t.Errorf("again at %v, want in %v", again, tc.again)
			}
		})
	}
}

// say is an operation in one line.
func say(o op) string {
	out := fmt.Sprint(o.Part, " ", o.Do)
	if o.Remind {
		out += " remind"
	}
	if o.Ask {
		out += " ask"
	}
	if o.Text != "" {
		out += " " + o.Text
	}
	if len(o.Users) > 0 {
		out += " " + strings.Join(o.Users, ",")
	}
	if len(o.Lines) > 0 {
		out += fmt.Sprintf(" #%d: %s", o.Seq, strings.Join(o.Lines, " / "))
	}
	return out
}

func TestManyChangesAreToldInPartsAndNoneIsLost(t *testing.T) {
	t.Parallel()
	w, st := standing()
	for i := range 50 {
		w.Lines = append(w.Lines, line(int64(i+1), oncall.EntryNote, "take"))
	}
	w.Last, st.Thread = 60, 60
	var parts []int
	for range 10 {
		ops, _ := plan(w, st)
		if len(ops) == 0 {
			break
		}
		parts = append(parts, len(ops[0].Lines))
		st.Room.Told = ops[0].Seq
	}
	if diff := cmp.Diff([]int{20, 20, 10}, parts); diff != "" || st.Room.Told != 60 {
		t.Errorf("told up to %d in parts (-want +got):\n%s", st.Room.Told, diff)
	}
}

func TestAStateIsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "{}", `{"of_a_newer_version":1}`} {
		if st, err := readState([]byte(raw)); err != nil || st.Team.TS != "" {
			t.Errorf("%q: got %+v %v, want nothing", raw, st, err)
		}
	}
	if _, err := readState([]byte(`{"team":1}`)); err == nil {
		t.Error("a broken state was read")
	}
}

func TestAPostThatIsFoundIsAdopted(t *testing.T) {
	t.Parallel()
	var st state
	for _, in := range []intent{
		{Part: partTeam}, {Part: partThread, Seq: 4}, {Part: partRoom, Name: "inc-1"}, {Part: partCard}, {Part: partTell, Seq: 5},
	} {
		st.adopt(in, "C9", "9.1")
	}
	want := state{
		Team: post{Channel: "C9", TS: "9.1"}, Thread: 4,
		Room: room{ID: "C9", Name: "inc-1", Told: 5, Card: post{Channel: "C9", TS: "9.1"}},
	}
	if diff := cmp.Diff(want, st); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestInAnotherWorkspaceAnIncidentIsPostedAnew(t *testing.T) {
	t.Parallel()
	st := state{Team: post{Channel: "C1", TS: "1.1"}, Thread: 7, N: 3, Room: room{ID: "C2", Told: 5}, Intent: &intent{N: 3}}
	st.moveTo("") // it can't be asked
	st.moveTo("T1")
	if st.Where != "T1" || st.Team.TS != "1.1" {
		t.Fatalf("got %+v, want what is known taken to be here", st)
	}
	st.moveTo("T2")
	if want := (state{Where: "T2", Thread: 7, N: 3, Room: room{Told: 5}}); !cmp.Equal(st, want) {
		t.Errorf("got another state than none of what was posted: %s", cmp.Diff(want, st))
	}
}
