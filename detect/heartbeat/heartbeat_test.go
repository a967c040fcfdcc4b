package heartbeat

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
)

func TestSilenceIsAnAlertAtItsDeadlineAndTheNextReportEndsIt(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		b.ping("backup", "")
		b.ping("other", "")
		b.after(70*time.Minute - time.Millisecond)
		b.ping("other", "")
		b.after(2*time.Millisecond, "trigger backup: backup: no report has come")
		if got := b.status("backup"); got.Status != oncall.HeartbeatDown || !strings.Contains(got.Why, "was expected at 2000-01-01 01:00 UTC") {
			t.Errorf("got %s, %s", got.Status, got.Why)
		}
		b.after(5 * time.Minute)
		b.ping("backup", "")
		b.after(0, "resolve backup: backup has reported success")
		if got := b.status("backup").Status; got != oncall.HeartbeatUp {
			t.Errorf("got %s, want up", got)
		}
	})
}

func TestASignalNamesTheMonitorAndWhatHappened(t *testing.T) {
	inBubble(t, []*oncall.Monitor{changed(hourly("backup"), func(m *oncall.Monitor) {
		m.Name, m.Heartbeat.Zone, m.Heartbeat.Cron, m.Heartbeat.Period = "夜間バックアップ", "Asia/Tokyo", "0 3 * * *", 0
	})}, func(b *bench) {
		began := time.Now()
		b.ping("backup", "/start")
		time.Sleep(time.Minute)
		b.ping("backup", "/3")
		synctest.Wait()
		want := oncall.Signal{
			Integration: "monitors", Key: "backup", Action: oncall.Trigger, Severity: oncall.Warning, Service: "checkout", Title: "夜間バックアップ: failed with exit status 3",
			Labels: map[string]string{"alertname": "夜間バックアップ", "monitor": "backup", "kind": "heartbeat", "severity": "warning", "team": "infra"}, StartsAt: began.Add(time.Minute).UTC(),
			Annotations: map[string]string{
				"reason": "failure", "summary": "夜間バックアップ failed with exit status 3 at 2000-01-01 09:01 JST",
				"last_ping": "2000-01-01T00:01:00Z",
			},
		}
		if diff := cmp.Diff([]oncall.Signal{want}, b.stage.signals); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAFailureIsToldAtOnce(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.ping("backup", "/fail")
		b.after(0, "trigger backup: backup: a failure was reported")
		b.ping("backup", "/0")
		b.after(0, "resolve backup: backup has reported success")
		b.ping("backup", "/137")
		b.ping("backup", "")
		b.after(0, "trigger backup: backup: failed with exit status 137", "resolve backup: backup has reported success")
	})
}

func TestARunThatDoesNotEndIsTold(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.ping("backup", "")
		b.ping("backup", "/start")
		b.after(10*time.Minute - time.Millisecond)
		b.after(2*time.Millisecond, "trigger backup: backup: the run does not end")
	})
}

func TestOneThatWasNeverHeardOfIsToldBehindItsFirstMoment(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.after(70*time.Minute - time.Millisecond)
		b.after(2*time.Millisecond, "trigger backup: backup: it has never reported")
		b.after(71*time.Minute + 58*time.Minute) // not told again before another one is missed
		b.after(2*time.Minute, "trigger backup: backup: it has never reported")
	})
}

func TestADeadlineThatPassedWhileTobanWasAwayIsJudgedAWhileAfterItsStart(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		b.ping("backup", "")
		b.ping("other", "")
		b.close()
		time.Sleep(70*time.Minute + 20*time.Second)
		b.open(hourly("backup"), hourly("other"))
		b.after(2 * time.Minute)
		b.ping("other", "")
		b.after(3*time.Minute - time.Millisecond)
		b.after(2*time.Millisecond, "trigger backup: backup: no report has come")
		if why := b.status("backup").Why; !strings.Contains(why, "toban itself was not listening until 2000-01-01 01:10 UTC") {
			t.Errorf("got %q, want it to say that toban was away", why)
		}
		b.after(time.Minute)
	})
}

func TestWhatTobanSleptThroughIsJudgedAWhileAfterItWokeAndOnlyOnce(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.ping("backup", "")
		b.held.Store(true)
		time.Sleep(3 * time.Hour)
		b.held.Store(false)
		b.after(5*time.Minute - time.Second)
		b.held.Store(true)
		time.Sleep(10 * time.Minute)
		b.held.Store(false)
		b.after(time.Second, "trigger backup: backup: no report has come")
	})
}

func TestAPingThatCouldNotBeKeptIsNotHeldAgainstItsSender(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		b.ping("backup", "")
		b.ping("other", "")
		time.Sleep(69 * time.Minute)
		b.l.miss("backup")
		b.after(2*time.Minute, "trigger other: other: no report has come")
		b.after(3*time.Minute - time.Second)
		b.after(2*time.Second, "trigger backup: backup: no report has come")
	})
}

func TestWhatTheAlertStageRefusesIsToldAgainInItsOrder(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		b.stage.refuse(errors.New("no"))
		b.ping("backup", "/fail")
		b.after(time.Second)
		b.ping("backup", "")
		b.ping("backup", "/1")
		b.after(20 * time.Second)
		b.stage.refuse(nil)
		b.after(5*time.Second, "trigger backup: backup: a failure was reported", "resolve backup: backup has reported success", "trigger backup: backup: failed with exit status 1")
		b.after(time.Minute)
	})
}

func TestWhatWasOwedWhenTobanDiedIsToldByItsNextLife(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.stop() // what follows is committed, and nobody is left to tell of it
		b.stop = func() {}
		b.ping("backup", "/fail")
		b.after(time.Hour)
		b.close()
		b.open(hourly("backup"))
		b.after(5*time.Second, "trigger backup: backup: a failure was reported")
	})
}

func TestTheAlertOfWhatIsRemovedEndsAndItBeginsAnewLater(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		b.ping("backup", "/fail")
		b.after(0, "trigger backup: backup: a failure was reported")
		apply := func(monitors ...*oncall.Monitor) {
			t.Helper()
			if err := b.l.Apply(b.Context(), monitors); err != nil {
				t.Fatal(err)
			}
		}
		address := b.l.Addresses().Path("backup")
		apply(hourly("other"))
		b.after(0, "resolve backup: backup is not watched any more")
		if got := b.ask("GET "+address, "").StatusCode; got != 404 {
			t.Errorf("got %d, want 404 for what is removed", got)
		}
		err := b.db.Read(b.Context(), func(tx *store.Tx) error {
			rows, err := tx.Heartbeats(b.Context(), false)
			if len(rows) != 1 || rows[0].Monitor != "other" {
				t.Errorf("left %v, want only the other", rows)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		apply(hourly("backup"), hourly("other"))
		if got := b.status("backup").Status; got != oncall.HeartbeatNew {
			t.Errorf("got %s, want new", got)
		}
		b.ping("backup", "")

		// Removed and back before the end could be told.
		b.ping("backup", "/fail")
		b.after(0, "trigger backup: backup: a failure was reported")
		b.stage.refuse(errors.New("no"))
		apply(hourly("other"))
		synctest.Wait()
		apply(hourly("backup"), hourly("other"))
		b.stage.refuse(nil)
		b.after(10*time.Second, "resolve backup: backup is not watched any more")
		if got := b.status("backup").Status; got != oncall.HeartbeatUp {
			t.Errorf("got %s, want up", got)
		}

		// The same, and it comes back paused.
		b.ping("backup", "/fail")
		b.after(0, "trigger backup: backup: a failure was reported")
		b.stage.refuse(errors.New("no"))
		apply(hourly("other"))
		synctest.Wait()
		apply(changed(hourly("backup"), func(m *oncall.Monitor) { m.Paused = true }), hourly("other"))
		b.stage.refuse(nil)
		b.after(10*time.Second, "resolve backup: backup is not watched any more")
		if got := b.status("backup").Status; got != oncall.HeartbeatPaused {
			t.Errorf("got %s, want paused", got)
		}
	})
}

func TestAChangedConfigurationIsInForceAtOnce(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.ping("backup", "")
		b.after(70*time.Minute, "trigger backup: backup: no report has come")
		apply := func(m *oncall.Monitor) {
			t.Helper()
			if err := b.l.Apply(b.Context(), []*oncall.Monitor{m}); err != nil {
				t.Fatal(err)
			}
		}
		apply(changed(hourly("backup"), func(m *oncall.Monitor) { m.Heartbeat.Period = 24 * time.Hour }))
		b.after(0, "resolve backup: backup is not late by its new plan")
		b.ping("backup", "/fail")
		b.after(0, "trigger backup: backup: a failure was reported")
		apply(changed(hourly("backup"), func(m *oncall.Monitor) { m.Paused = true }))
		b.after(0, "resolve backup: backup is paused")
		b.ping("backup", "/fail")
		b.after(24 * time.Hour)
		apply(hourly("backup"))
		b.after(70*time.Minute - time.Second)
		b.after(2*time.Second, "trigger backup: backup: no report has come")
	})
}

func TestAnAlertThatIsToldToAnotherServiceEndsInTheFirst(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		b.ping("backup", "/fail")
		synctest.Wait()
		moved := changed(hourly("backup"), func(m *oncall.Monitor) { m.Service = "shop" })
		if err := b.l.Apply(b.Context(), []*oncall.Monitor{moved}); err != nil {
			t.Fatal(err)
		}
		b.ping("backup", "/fail")
		synctest.Wait()
		b.ping("backup", "")
		synctest.Wait()
		var got []string
		for _, s := range b.stage.signals {
			got = append(got, string(s.Action)+" "+string(s.Service))
		}
		if diff := cmp.Diff([]string{"trigger checkout", "resolve checkout", "trigger shop", "resolve shop"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOneBadCalendarKeepsNoOtherHeartbeatOut(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		bad := changed(hourly("bad"), func(m *oncall.Monitor) { m.Heartbeat.Period, m.Heartbeat.Cron = 0, "0 25 * * *" })
		err := b.l.Apply(b.Context(), []*oncall.Monitor{bad, hourly("good")})
		if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Code != "monitor.invalid" || !strings.Contains(e.Message, `"bad"`) {
			t.Errorf("got %v, want it to name the bad one", err)
		}
		b.ping("good", "")
		if err := b.l.Apply(b.Context(), []*oncall.Monitor{hourly("bad"), hourly("good")}); err != nil {
			t.Fatal(err)
		}
		b.ping("bad", "/fail")
		b.after(0, "trigger bad: bad: a failure was reported")
		if err := b.l.Apply(b.Context(), []*oncall.Monitor{bad, hourly("good")}); err == nil {
			t.Error("got no error")
		}
		b.after(0)
		b.ping("bad", "") // as it was before
		b.after(0, "resolve bad: bad has reported success")
	})
}

func TestPagesSeeWhatWasHeardAndHowLongItTook(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		for _, took := range []time.Duration{time.Minute, 3 * time.Minute, 2 * time.Minute} {
			b.ping("backup", "/start")
			time.Sleep(took)
			if got := b.ask("POST "+b.l.Addresses().Path("backup")+"/0", "rows: 42\n").StatusCode; got != 200 {
				t.Fatal(got)
			}
		}
		list, err := b.l.Status(b.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("got %v %v, want two", list, err)
		}
		now := time.Now().UTC()
		got := list[0]
		if got.Typical != 2*time.Minute || got.State.Took != 2*time.Minute || !got.Expected.Equal(now.Add(time.Hour)) || !got.Deadline.Equal(now.Add(70*time.Minute)) {
			t.Errorf("got %+v", got)
		}
		pings, err := b.l.Pings(b.Context(), "backup", 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		zero := 0
		want := []store.Ping{
			{
				Monitor: "backup", N: 6, Method: "POST", Address: "192.0.2.1", Agent: "curl/8.5.0", Body: "rows: 42\n",
				HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingSuccess, Exit: &zero, At: now, Took: 2 * time.Minute},
			},
			{
				Monitor: "backup", N: 5, Method: "GET", Address: "192.0.2.1", Agent: "curl/8.5.0",
				HeartbeatPing: oncall.HeartbeatPing{Kind: oncall.PingStart, At: now.Add(-2 * time.Minute)},
			},
		}
		if diff := cmp.Diff(want, pings); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, ok, err := b.l.StatusOf(b.Context(), "unknown"); ok || err != nil {
			t.Errorf("unknown: %t %v", ok, err)
		}
		time.Sleep(65 * time.Minute)
		if got := b.status("backup").Status; got != oncall.HeartbeatLate {
			t.Errorf("got %s, want late", got)
		}
	})
}
