package view

import (
	"strings"
	"testing"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// played is what a response to a critical incident of the shop would do from
// evening on.
func played(t *testing.T, lang string, urgency oncall.Urgency, assume oncall.Assumptions, within time.Duration) *Rehearsed {
	t.Helper()
	dir := shop(t)
	s := reader(t, lang, "viewer")
	r := oncall.NewResponse(&oncall.Incident{ID: "inc_1", Service: "checkout", Epoch: 1, Urgency: urgency, TriggeredAt: evening()}, "")
	w := oncall.World{Directory: dir, Policy: dir.Policies["infra"], Turns: map[int]int64{}}
	assume.From = evening()
	steps := oncall.Forecast(r, w, assume, evening().Add(within))
	return RehearsedOf(s, i18n.Names{Directory: dir, Zone: s.Zone}, evening(), urgency, steps)
}

func sentences(a *Rehearsed) string {
	var all []string
	for _, step := range a.Steps {
		line := step.In + " " + step.Sentence
		if step.Why != "" {
			line += " (" + step.Why + ")"
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

func TestARehearsalSaysEachThingOnceWithItsReason(t *testing.T) {
	t.Parallel()
	// Friday evening: the office is empty, the night is Take's, who has no phone.
	a := played(t, "en", oncall.High, oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{"matsu": {{Outcome: oncall.Busy}}}}, time.Hour)
	want := strings.Join([]string{
		"+1:00 Now level 1",
		"+1:00 Skipped schedule office of level 1: nobody is on duty",
		"+1:00 Now level 2",
		"+1:00 E-mail to 竹 (the one before: nobody is on duty)",
		"+3:00 竹 could not be reached: out of time",
		"+3:00 Phone call to 松 (竹: out of time)",
		"+3:02 松: busy",
		"+3:02 Now the fallback: 梅",
		"+3:02 Phone call to 梅 (the fallback)",
		"+3:27 梅: no answer",
		"+3:27 Phone call to 梅 (2nd time) (no answer, so once more at once)",
		"+3:52 梅: no answer",
	}, "\n")
	if got := sentences(a); !strings.HasPrefix(got, "+0:00 Paging waits") || !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant it to end with\n%s", got, want)
	}
	if want := "The first phone that rings is that of 松 (+3:00)."; a.First != want {
		t.Errorf("got %q, want %q", a.First, want)
	}
	if want := "Round 2 begins at +3:52. It goes on until somebody has it."; a.End != want {
		t.Errorf("got %q, want %q", a.End, want)
	}
}

func TestARehearsalEndsWhereSomebodyTakesIt(t *testing.T) {
	t.Parallel()
	a := played(t, "ja", oncall.High, oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{"matsu": {{Key: "1", After: 20 * time.Second}}}}, time.Hour)
	last := a.Steps[len(a.Steps)-1]
	if !strings.Contains(sentences(a), "松さんが電話で対応を始めました") || a.End != "" {
		t.Errorf("got the end %q after\n%s", a.End, sentences(a))
	}
	if last.At.After(evening().Add(4 * time.Minute)) {
		t.Errorf("it goes on until %s", last.At)
	}
}

func TestARehearsalOfWhatRingsNowhereSaysSo(t *testing.T) {
	t.Parallel()
	a := played(t, "en", oncall.Low, oncall.Assumptions{}, time.Hour) // outside the support hours
	if a.First != "No phone rings." || a.End != "It goes on until somebody has it." {
		t.Errorf("got %q and %q", a.First, a.End)
	}
	if none := RehearsedOf(reader(t, "en", "viewer"), i18n.Names{}, evening(), oncall.High, nil); len(none.Steps) != 0 || none.End != "" {
		t.Errorf("got %+v, want nothing", none)
	}
}

func TestAnEndlessForecastIsCut(t *testing.T) {
	t.Parallel()
	step := oncall.Step{At: evening(), Entry: oncall.Entry{Kind: oncall.EntryLevel, Data: oncall.EntryData{Level: 1}}}
	steps := make([]oncall.Step, 2000)
	for i := range steps {
		steps[i] = step
	}
	if a := RehearsedOf(reader(t, "en", "viewer"), i18n.Names{}, evening(), oncall.Low, steps); len(a.Steps) != mostRehearsed || a.End == "" {
		t.Errorf("got %d steps and the end %q, want %d and that it goes on", len(a.Steps), a.End, mostRehearsed)
	}
}

func TestOffsetCountsFromTheBeginning(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "+0:00", 0: "+0:00", 25 * time.Second: "+0:25", 10*time.Minute + 400*time.Millisecond: "+10:00",
		time.Hour + 2*time.Minute + 3*time.Second: "+1:02:03", 49 * time.Hour: "+49:00:00",
	} {
		if got := offset(d); got != want {
			t.Errorf("offset(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestWhoAnswersAsNoOptionSaysIsStillShown(t *testing.T) {
	t.Parallel()
	all := reactions(reader(t, "en", "viewer"), "no answer,1 after 5s")
	if last := all[len(all)-1]; last.Value != "no answer,1 after 5s" {
		t.Errorf("got %v, want what the address says among the choices", all)
	}
}
