package oncall

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// job is a heartbeat that is told about.
type job struct {
	t *testing.T
	p HeartbeatPlan
	s HeartbeatState
}

// newJob is one that is expected every hour with ten minutes of grace, and was
// defined at noon.
func newJob(t *testing.T) *job {
	t.Parallel()
	j := &job{t: t, p: HeartbeatPlan{Heartbeat: Heartbeat{Period: time.Hour, Grace: 10 * time.Minute}}}
	j.s, _ = j.p.Define(HeartbeatState{}, noon)
	return j
}

// ping lets it say "success", "fail", "start" or "log", with the run behind a
// space, and wants what there is to say about it.
func (j *job) ping(after time.Duration, said string, want Action) HeartbeatPing {
	j.t.Helper()
	kind, run, _ := strings.Cut(said, " ")
	var got Action
	var ping HeartbeatPing
	j.s, ping, got = j.p.Ping(j.s, HeartbeatPing{Kind: PingKind(kind), Run: run, At: noon.Add(after)})
	if got != want {
		j.t.Errorf("%s after %s: got %q, want %q", said, after, got, want)
	}
	return ping
}

// deadline wants nothing to happen before that time and the heartbeat to be down
// then.
func (j *job) deadline(after time.Duration, why HeartbeatWhy) {
	j.t.Helper()
	if got := j.p.Deadline(j.s).Sub(noon); got != after {
		j.t.Errorf("the deadline is after %s, want %s", got, after)
	}
	before, said := j.p.Expire(j.s, noon.Add(after-time.Millisecond))
	if diff := cmp.Diff(j.s, before); diff != "" || said != "" {
		j.t.Errorf("judged too early: %q %s", said, diff)
	}
	if j.s, said = j.p.Expire(j.s, noon.Add(after)); said != Trigger || j.s.Status != HeartbeatDown || j.s.Why != why {
		j.t.Errorf("after %s: got %q, %s because of %s; want a trigger, down because of %s", after, said, j.s.Status, j.s.Why, why)
	}
}

func (j *job) is(after time.Duration, want HeartbeatStatus) {
	j.t.Helper()
	if got := j.p.Now(j.s, noon.Add(after)); got != want {
		j.t.Errorf("after %s: got %s, want %s", after, got, want)
	}
}

func TestAHeartbeatIsUpThenLateThenDownAndUpByItsNextReport(t *testing.T) {
	j := newJob(t)
	j.is(0, HeartbeatNew)
	j.ping(5*time.Minute, "success", "")
	j.is(time.Hour, HeartbeatUp)
	j.is(65*time.Minute, HeartbeatLate)
	j.deadline(75*time.Minute, HeartbeatSilent)
	j.is(76*time.Minute, HeartbeatDown)
	j.ping(80*time.Minute, "success", Resolve)
	j.is(80*time.Minute, HeartbeatUp)
	j.deadline(150*time.Minute, HeartbeatSilent)
}

func TestAHeartbeatThatWasNeverHeardOfIsExpectedAtItsFirstMoment(t *testing.T) {
	j := newJob(t)
	j.is(59*time.Minute, HeartbeatNew)
	j.is(time.Hour, HeartbeatLate)
	j.deadline(70*time.Minute, HeartbeatNever)
	j.ping(2*time.Hour, "success", Resolve)
}

func TestAReportBehindTheDeadlineThatNobodyHasJudgedYetCounts(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	j.ping(3*time.Hour, "success", "")
	j.is(3*time.Hour, HeartbeatUp)
}

func TestAFailureIsSaidAtOnceAndEachOneIsNews(t *testing.T) {
	j := newJob(t)
	j.ping(0, "fail", Trigger)
	j.is(0, HeartbeatDown)
	j.ping(time.Minute, "fail", Trigger)
	if got := j.s.Since.Sub(noon); got != 0 {
		t.Errorf("down since %s, want since the first failure", got)
	}
	j.ping(2*time.Minute, "success", Resolve)
	j.ping(3*time.Minute, "success", "")
	for exit, want := range map[int]PingKind{0: PingSuccess, 1: PingFail, 255: PingFail} {
		if got := PingOfExit(exit); got != want {
			t.Errorf("exit %d: got %s, want %s", exit, got, want)
		}
	}
}

func TestARunThatWasBegunHasToEndWithinTheGrace(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	j.ping(20*time.Minute, "start", "")
	j.deadline(30*time.Minute, HeartbeatOverrun)
	if got := j.s.Missed.Sub(noon); got != 20*time.Minute {
		t.Errorf("missed %s, want the start", got)
	}
	j.ping(40*time.Minute, "start", "") // does not heal
	j.is(40*time.Minute, HeartbeatDown)
	j.ping(41*time.Minute, "success", Resolve)
	if j.s.Took != time.Minute {
		t.Errorf("it took %s, want 1m", j.s.Took)
	}
	j.p.Grace = 0 // a start is no failure all the same
	j.ping(42*time.Minute, "start", "")
	j.deadline(43*time.Minute, HeartbeatOverrun)
}

func TestAStartOfOneThatWasNeverHeardOfIsWaitedFor(t *testing.T) {
	j := newJob(t)
	j.ping(time.Minute, "start", "")
	j.deadline(11*time.Minute, HeartbeatOverrun)
}

func TestAStartPutsTheNextReportOffByNothing(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	j.ping(65*time.Minute, "start", "") // within the grace already
	j.deadline(70*time.Minute, HeartbeatSilent)
}

func TestOfRunsThatOverlapTheLastOneBegunIsWaitedForAndAllAreMeasured(t *testing.T) {
	j := newJob(t)
	j.ping(0, "start a", "")
	j.ping(2*time.Minute, "start b", "")
	if got := j.ping(5*time.Minute, "success a", "").Took; got != 5*time.Minute {
		t.Errorf("a took %s, want 5m", got)
	}
	if got := j.p.Deadline(j.s).Sub(noon); got != 12*time.Minute {
		t.Errorf("the deadline is after %s, want that of b", got)
	}
	if got := j.ping(6*time.Minute, "success b", "").Took; got != 4*time.Minute {
		t.Errorf("b took %s, want 4m", got)
	}
	j.ping(10*time.Minute, "start c", "")
	if got := j.ping(11*time.Minute, "success", "").Took; got != 0 {
		t.Errorf("a success without a run took %s, want nothing to be known", got)
	}
	if !j.s.Started.IsZero() {
		t.Error("a success that names no run ends the waiting")
	}
	j.ping(12*time.Minute, "start d", "")
	if got := j.ping(13*time.Minute, "fail e", Trigger).Took; got != 0 || !j.s.Started.IsZero() {
		t.Errorf("a failure of any run ends the waiting; got %s, %s", got, j.s.Started)
	}
	if got := j.ping(14*time.Minute, "success c", Resolve).Took; got != 4*time.Minute {
		t.Errorf("c took %s, want 4m", got)
	}
	if got := j.s.Typical(); got != 4*time.Minute {
		t.Errorf("typical: got %s, want 4m", got)
	}
}

func TestARunOfThreeDaysIsNotMeasured(t *testing.T) {
	j := newJob(t)
	j.ping(0, "start", "")
	if got := j.ping(72*time.Hour, "success", "").Took; got != 0 {
		t.Errorf("took %s, want nothing", got)
	}
}

func TestALogChangesNothing(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	j.ping(30*time.Minute, "start", "")
	before := j.s
	j.ping(35*time.Minute, "log", "")
	before.Pings, before.Heard = 3, noon.Add(35*time.Minute)
	if diff := cmp.Diff(before, j.s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneThatStaysDownIsSaidAgainByEachMissedReportAtMostOnceAnHour(t *testing.T) {
	j := newJob(t)
	j.p.Period = 10 * time.Minute
	j.s, _ = j.p.Define(j.s, noon)
	j.deadline(20*time.Minute, HeartbeatNever)
	j.deadline(100*time.Minute, HeartbeatNever) // an hour, a period, the grace
	if got := j.s.Since.Sub(noon); got != 20*time.Minute {
		t.Errorf("down since %s, want 20m", got)
	}
}

func TestWhatIsPausedIsNotJudgedAndItsPingsChangeNothing(t *testing.T) {
	j := newJob(t)
	j.ping(0, "fail", Trigger)
	j.p.Paused = true
	var said Action
	if j.s, said = j.p.Define(j.s, noon.Add(time.Minute)); said != Resolve {
		t.Errorf("got %q, want the alert to end", said)
	}
	if got := j.ping(2*time.Minute, "fail", "").Kind; got != PingIgnored {
		t.Errorf("got %s, want it ignored", got)
	}
	if at := j.p.Deadline(j.s); !at.IsZero() {
		t.Errorf("a deadline at %s", at)
	}
	j.is(3*time.Hour, HeartbeatPaused)
	j.p.Paused = false
	if j.s, said = j.p.Define(j.s, noon.Add(5*time.Hour)); said != "" {
		t.Errorf("got %q", said)
	}
	j.deadline(6*time.Hour+10*time.Minute, HeartbeatSilent)
}

func TestAnotherPlanExpectsNothingInThePast(t *testing.T) {
	j := newJob(t)
	j.p.Period = 24 * time.Hour
	j.s, _ = j.p.Define(j.s, noon)
	j.ping(0, "success", "")
	j.p.Period = time.Hour
	j.s, _ = j.p.Define(j.s, noon.Add(5*time.Hour))
	j.deadline(6*time.Hour+10*time.Minute, HeartbeatSilent)
}

func TestALongerPlanMakesOneUpAgainThatIsNotLateByIt(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	j.deadline(70*time.Minute, HeartbeatSilent)
	j.p.Period = 24 * time.Hour
	var said Action
	if j.s, said = j.p.Define(j.s, noon.Add(2*time.Hour)); said != Resolve {
		t.Errorf("got %q, want the alert to end", said)
	}
	j.deadline(24*time.Hour+10*time.Minute, HeartbeatSilent)
	j.p.Grace = 20 * time.Minute // not enough
	if j.s, said = j.p.Define(j.s, noon.Add(26*time.Hour)); said != "" || j.s.Status != HeartbeatDown {
		t.Errorf("got %q and %s, want it to stay down", said, j.s.Status)
	}
	j.ping(27*time.Hour, "fail", Trigger)
	j.p.Grace = 48 * time.Hour
	if j.s, said = j.p.Define(j.s, noon.Add(28*time.Hour)); said != "" || j.s.Status != HeartbeatDown {
		t.Errorf("got %q and %s, want a failure to stay one", said, j.s.Status)
	}
}

func TestTheSamePlanAgainChangesNothing(t *testing.T) {
	j := newJob(t)
	j.ping(0, "success", "")
	got, said := j.p.Define(j.s, noon.Add(time.Hour))
	if diff := cmp.Diff(j.s, got); diff != "" || said != "" {
		t.Errorf("%q (-want +got):\n%s", said, diff)
	}
}

func TestAHeartbeatByTheCalendarIsExpectedAtTheMomentBehindItsLastReport(t *testing.T) {
	j := newJob(t)
	j.p.Heartbeat = Heartbeat{Cron: "0 3 * * *", Zone: "UTC", Grace: 30 * time.Minute}
	j.p.Next = func(at time.Time) time.Time {
		next := time.Date(at.Year(), at.Month(), at.Day(), 3, 0, 0, 0, time.UTC)
		if !next.After(at) {
			next = next.AddDate(0, 0, 1)
		}
		return next
	}
	j.s, _ = j.p.Define(j.s, noon)
	j.is(0, HeartbeatNew)
	if got := j.p.Expected(j.s).Sub(noon); got != 15*time.Hour {
		t.Errorf("first expected after %s, want 15h", got)
	}
	j.ping(15*time.Hour+4*time.Minute, "success", "")
	j.deadline(39*time.Hour+30*time.Minute, HeartbeatSilent)
}

func TestHowLongIsWaitedAfterAStartOfToban(t *testing.T) {
	t.Parallel()
	for grace, want := range map[time.Duration]time.Duration{0: time.Minute, 2 * time.Minute: 2 * time.Minute, time.Hour: 5 * time.Minute} {
		if got := (HeartbeatPlan{Heartbeat: Heartbeat{Grace: grace}}).Fair(); got != want {
			t.Errorf("grace %s: got %s, want %s", grace, got, want)
		}
	}
}

// Whatever is said and whenever it is judged: triggers and resolves take turns
// but for repetitions, it is up only by a success, and one that is neither paused
// nor down always has a deadline.
func TestAHeartbeatIsNeverForgotten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := HeartbeatPlan{Heartbeat: Heartbeat{
			Period: time.Duration(rapid.IntRange(1, 120).Draw(t, "period")) * time.Minute,
			Grace:  time.Duration(rapid.IntRange(0, 60).Draw(t, "grace")) * time.Minute,
		}}
		now, open := noon, false
		s, _ := p.Define(HeartbeatState{}, now)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute)
			var said Action
			was := s.Status
			kind := rapid.SampledFrom([]PingKind{"", PingSuccess, PingFail, PingStart, PingLog}).Draw(t, "kind")
			if kind == "" {
				s, said = p.Expire(s, now)
			} else {
				s, _, said = p.Ping(s, HeartbeatPing{Kind: kind, At: now, Run: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "run")})
			}
			switch {
			case said == Resolve && !open:
				t.Fatal("resolved what is not open")
			case s.Status == HeartbeatUp && was != HeartbeatUp && kind != PingSuccess:
				t.Fatalf("up by %q", kind)
			}
			open = said == Trigger || open && said != Resolve
			if open != s.Alerting || open != (s.Status == HeartbeatDown) {
				t.Fatalf("open %t, alerting %t, %s", open, s.Alerting, s.Status)
			}
			if p.Deadline(s).IsZero() {
				t.Fatalf("nothing is waited for: %+v", s)
			}
			if len(s.Begun) > maxOpenRuns || len(s.Times) > maxRunTimes {
				t.Fatalf("%d runs and %d times are kept", len(s.Begun), len(s.Times))
			}
		}
	})
}
