package agent

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"toban/detect"
	"toban/detect/probe"
	"toban/detect/prober"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// For three seconds after a change an agent asks what it was told before.
func TestWhatAnAgentFoundOfAnOldTargetIsNotTakenForTheNew(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		shop := func(target string) []*oncall.Monitor {
			m := monitor("shop", "osaka")
			m.Target, m.Every, m.Timeout, m.Down = target, time.Second, 900*time.Millisecond, oncall.Threshold{Count: 1}
			return []*oncall.Monitor{m}
		}
		c.apply(shop("old"))
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		c.want("shop", oncall.MonitorUp)
		c.desk.said()
		for i := range 10 { // at every moment of a poll
			old, next := "old"+strconv.Itoa(i), "old"+strconv.Itoa(i+1)
			c.apply(shop(old))
			time.Sleep(10*time.Second + time.Duration(i)*300*time.Millisecond)
			c.apply(shop(next))
			time.Sleep(510 * time.Millisecond)
			osaka.fail(old, true)
			before := osaka.times(old)
			time.Sleep(10 * time.Second)
			c.said()
			c.want("shop", oncall.MonitorUp)
			if i == 0 && osaka.times(old) == before {
				t.Error("the old target was not asked after the change: nothing was tried")
			}
		}
	})
}

func TestAnAgentDropsWhatItAskedBeforeItsListChanged(t *testing.T) {
	t.Parallel()
	told := 0
	a := New(Options{Server: "http://core", Log: slog.New(slog.DiscardHandler)})
	a.carrier = newCarrier(func([]remotewrite.Sample) { told++ })
	checker := &site{}
	m := monitor("shop", "osaka")
	a.now.Store(&work{location: "osaka", by: map[oncall.MonitorID]*task{"shop": {item: itemOf(m), m: m, checker: checker}}})
	r := &probe.Result{Up: true, Start: time.Now(), Duration: time.Millisecond}
	a.reported(prober.Target{ID: "shop", Address: "old", Checker: checker}, r)
	a.reported(prober.Target{ID: "shop", Address: m.Target, Checker: &site{}}, r)
	if told != 0 {
		t.Errorf("got %d answers of an old question told, want none", told)
	}
	a.reported(prober.Target{ID: "shop", Address: m.Target, Checker: checker}, r)
	if told != 1 || itemOf(m).Question != detect.Question(m) {
		t.Errorf("got %d told, want the answer of what is asked", told)
	}
}

func TestHalfASecondIsAClockThatIsOff(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct{ seems, want []time.Duration }{
		"near":                 {ms(499, 499, -499), ms(0, 0, 0)},
		"behind":               {ms(1900, 1900, 1950), ms(0, 1900, 1900)},
		"behind by far":        {ms(2100, 2150), ms(2100, 2100)},
		"ahead":                {ms(-510, -510), ms(-510, -510)},
		"a way that opens":     {ms(900, 80, 80, 900, 80), ms(0, 0, 0, 0, 0)},
		"one that is slow now": {ms(1900, 1900, 2600, 1900), ms(0, 1900, 1900, 1900)},
	} {
		clocks := newClocks(slog.New(slog.DiscardHandler))
		for i, seems := range c.seems {
			got := clocks.off(speaker{"osaka", "a"}, strconv.FormatInt(now.Add(-seems).UnixMilli(), 10), now).Round(10 * time.Millisecond)
			if got != c.want[i] {
				t.Errorf("%s, look %d: got %s for what seems %s behind, want %s", name, i, got, seems, c.want[i])
			}
		}
	}
}

func ms(all ...int) (list []time.Duration) {
	for _, n := range all {
		list = append(list, time.Duration(n)*time.Millisecond)
	}
	return list
}

func TestTheNoiseOfOneLocationPushesOutNoClockOfAnother(t *testing.T) {
	t.Parallel()
	c := newClocks(slog.New(slog.DiscardHandler))
	now := time.Now()
	look := func(location, id string, seems time.Duration) time.Duration {
		now = now.Add(time.Millisecond)
		return c.off(speaker{location, id}, strconv.FormatInt(now.Add(-seems).UnixMilli(), 10), now).Round(time.Second)
	}
	look("osaka", "a", 0)
	for i := range 5000 {
		look("naha", strconv.Itoa(i), time.Hour)
		if i%50 == 0 {
			look("naha", "a", 0) // which is heard now and then
		}
	}
	for _, location := range []string{"osaka", "naha"} {
		if got := look(location, "a", 5*time.Second); got != 0 {
			t.Errorf("%s: got %s after one slow request, want its clock to be known", location, got)
		}
		if got := len(c.of[location]); got > maxSpeakers {
			t.Errorf("%s: %d are kept in mind, want at most %d", location, got, maxSpeakers)
		}
	}
}
