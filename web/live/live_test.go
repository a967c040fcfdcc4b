package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/store"
)

func TestACommitIsSeenWithinAHundredMilliseconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("incident 42", "inc_42")
		w, leave := b.open(view, "")
		defer leave()
		synctest.Wait()
		b.commit(change("inc_7"))
		b.commit(change("inc_42"))
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := w.events("patch"); !slices.Equal(got, []string{"incident:inc_42"}) {
			t.Errorf("patches: got %q, want that of inc_42 alone", got)
		}
	})
}

func TestFiveHundredPagesAreDrawnOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, drawn := page("list")
		wires := make([]*wire, 500)
		for i := range wires {
			w, leave := b.open(view, "")
			wires[i] = w
			defer leave()
		}
		synctest.Wait()
		if got := b.hub.Streams(); got != 500 {
			t.Fatalf("streams: got %d, want 500", got)
		}
		b.commit(change("a"), change("b"))
		b.commit(change("a"))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := drawn.Load(); got != 1 {
			t.Errorf("drawings: got %d, want 1", got)
		}
		for i, w := range wires {
			if got := w.events("patch"); len(got) != 1 || !strings.Contains(got[0], "incident:a") || !strings.Contains(got[0], "incident:b") {
				t.Fatalf("client %d: got %q, want one patch of a and b", i, got)
			}
		}
	})
}

func TestABurstIsDrawnAtMostEightTimesASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, drawn := page("list")
		w, leave := b.open(view, "")
		defer leave()
		synctest.Wait()
		for i := range 1000 {
			b.commit(change(fmt.Sprint(i)))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := drawn.Load(); got < 5 || got > 10 {
			t.Errorf("drawings in 1.2 s: got %d, want about 8 a second", got)
		}
		if got := w.events("patch"); !strings.Contains(got[len(got)-1], "incident:999") {
			t.Errorf("last patch: got %q, want the newest change in it", got[len(got)-1])
		}
	})
}

func TestMoreThanIsWorthTellingIsOneChangeOfIncidents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		defer leave()
		synctest.Wait()
		var many []store.Change
		for i := range 3 * pending {
			many = append(many, change(fmt.Sprint(i)))
		}
		b.commit(many...)
		time.Sleep(time.Second)
		synctest.Wait()
		got := w.events("patch")
		if len(got) != 1 || !strings.Contains(got[0], "incidents:") || len(strings.Fields(got[0])) > pending {
			t.Errorf("got %d patches, the first of %d changes, want one with incidents: in it", len(got), len(strings.Fields(got[0])))
		}
	})
}

func TestABreakLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		synctest.Wait()
		b.commit(change("before"))
		time.Sleep(time.Second)
		synctest.Wait()
		last := w.last()
		leave()
		time.Sleep(time.Minute)
		b.commit(change("meanwhile"))
		time.Sleep(time.Minute)

		w, leave = b.open(view, last)
		defer leave()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.events("patch"); !slices.Equal(got, []string{"incident:meanwhile"}) {
			t.Errorf("after the break: got %q, want what happened meanwhile", got)
		}
		b.commit(change("after"))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.events("patch"); len(got) != 2 || got[1] != "incident:after" {
			t.Errorf("patches: got %q, want meanwhile and after", got)
		}
	})
}

func TestWhatIsCommittedWhileAPageIsDrawnIsSentToIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		time.Sleep(time.Hour)
		at := b.hub.Position()
		b.commit(change("between"))
		time.Sleep(time.Second)
		view, _ := page("list")
		w := &wire{head: http.Header{}}
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("/live?after=%d", at), nil)
		b.done.Go(func() { b.hub.Serve(w, r, view) })
		time.Sleep(time.Second)
		synctest.Wait()
		cancel()
		if got := w.events("patch"); !slices.Equal(got, []string{"incident:between"}) {
			t.Errorf("got %q, want what was committed between", got)
		}
	})
}

func TestAQuietStreamCanComeBackAfterAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got, want := len(w.events("beat")), 240; got < want {
			t.Errorf("beats in an hour: got %d, want %d", got, want)
		}
		last := w.last()
		leave()
		b.commit(change("late"))
		w, leave = b.open(view, last)
		defer leave()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.events("reload"); len(got) != 0 {
			t.Error("told to reload, though nothing was lost")
		}
		if got := w.events("patch"); len(got) != 1 {
			t.Errorf("got %q, want one patch", got)
		}
	})
}

func TestWhoWasAwayTooLongAsksForThePageAnew(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]func() string{
		"eleven minutes": func() string { return fmt.Sprint(store.SeqAt(time.Now().Add(-11 * time.Minute))) },
		"no number":      func() string { return "yesterday" },
		"negative":       func() string { return "-1" },
		"the future":     func() string { return fmt.Sprint(store.SeqAt(time.Now().Add(time.Hour))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := run(t, false, Options{})
				view, _ := page("list")
				w, leave := b.open(view, last())
				defer leave()
				synctest.Wait()
				if got := w.events("reload"); len(got) != 1 {
					t.Errorf("got %d reloads, want 1", len(got))
				}
			})
		})
	}
}

func TestASlowClientIsSentAwayAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		quick, leave := b.open(view, "")
		defer leave()
		slow := &wire{head: http.Header{}}
		leaveSlow := b.openOn(slow, view, "")
		defer leaveSlow()
		synctest.Wait()
		stuck := make(chan struct{})
		slow.stuck = stuck
		for i := range 40 {
			b.commit(change(fmt.Sprint(i)))
			time.Sleep(200 * time.Millisecond)
		}
		synctest.Wait()
		if got := len(quick.events("patch")); got != 40 {
			t.Errorf("the quick one: got %d patches, want 40", got)
		}
		close(stuck)
		synctest.Wait()
		if got := b.hub.Streams(); got != 1 {
			t.Errorf("streams: got %d, want the slow one gone", got)
		}
		if !strings.Contains(slow.text.String(), "retry: 5000") {
			t.Error("the slow one was not told when to come back")
		}
	})
}

func TestChangesOfOtherNodesAreSeenWithinHalfASecondAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, true, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		defer leave()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		late := change("late") // its number is drawn, its commit comes later
		b.commit(change("own"))
		b.write(change("other"))
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		seen := strings.Join(w.events("patch"), " ")
		if !strings.Contains(seen, "own") || !strings.Contains(seen, "other") {
			t.Errorf("after 0.5 s: got %q, want own and other", seen)
		}
		time.Sleep(time.Second)
		b.write(late)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		seen = strings.Join(w.events("patch"), " ")
		for _, word := range []string{"own", "other", "late"} {
			if got := strings.Count(seen, word); got != 1 {
				t.Errorf("%s: seen %d times, want 1", word, got)
			}
		}
		if got := len(b.hub.told.seqs); got != 0 {
			t.Errorf("remembered: got %d numbers, want none", got)
		}
	})
}

func TestAnEndedSessionEndsItsStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		view.Session = "one"
		w, leave := b.open(view, "")
		defer leave()
		view.Session = "two"
		_, leave = b.open(view, "")
		defer leave()
		view.Session, view.Until = "", time.Now().Add(time.Minute)
		_, leave = b.open(view, "")
		defer leave()
		synctest.Wait()
		b.hub.EndSession("one")
		synctest.Wait()
		if got := w.events("reload"); len(got) != 1 {
			t.Errorf("the ended session: got %d reloads, want 1", len(got))
		}
		if got := b.hub.Streams(); got != 2 {
			t.Errorf("streams: got %d, want 2", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.hub.Streams(); got != 1 {
			t.Errorf("streams after its end: got %d, want 1", got)
		}
	})
}

func TestAStreamWhoseClientMayNoLongerLookOnEndsWithinSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		var may atomic.Bool
		may.Store(true)
		view.Holds = func(context.Context) bool { return may.Load() }
		w, leave := b.open(view, "")
		defer leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.hub.Streams(); got != 1 {
			t.Fatalf("streams while it holds: got %d, want 1", got)
		}
		may.Store(false)
		time.Sleep(checking)
		synctest.Wait()
		if got := b.hub.Streams(); got != 0 {
			t.Errorf("streams after that: got %d, want 0", got)
		}
		if got := w.events("reload"); len(got) != 1 {
			t.Errorf("got %d reloads, want 1: the page asks who it is", len(got))
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{Max: 3, PerAccount: 2})
		view, _ := page("list")
		status := func(account string) int {
			view.Account = account
			w, leave := b.open(view, "")
			t.Cleanup(leave)
			synctest.Wait()
			return w.status
		}
		for _, tc := range []struct {
			account string
			want    int
		}{{"matsu", 200}, {"matsu", 200}, {"matsu", 429}, {"take", 200}, {"ume", 429}} {
			if got := status(tc.account); got != tc.want {
				t.Errorf("%s: got %d, want %d", tc.account, got, tc.want)
			}
		}
		b.stop()
		synctest.Wait()
		if got := b.hub.Streams(); got != 0 {
			t.Errorf("streams after the stop: got %d, want 0", got)
		}
		if got := status("take"); got != 503 {
			t.Errorf("a stopped hub: got %d, want 503", got)
		}
	})
}

func TestAViewThatCantBeDrawnIsTriedAgainAndThenGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		view, _ := page("list")
		draw := view.Render
		times := 0
		view.Render = func(ctx context.Context, list []store.Change) ([]Patch, error) {
			switch times++; {
			case times == 1:
				return nil, errors.New("busy")
			case times > 2:
				panic("a bug")
			}
			return draw(ctx, list)
		}
		w, leave := b.open(view, "")
		defer leave()
		synctest.Wait()
		b.commit(change("a"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.events("patch"); !slices.Equal(got, []string{"incident:a"}) {
			t.Errorf("after one failure: got %q, want the patch", got)
		}
		b.commit(change("b"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := w.events("reload"); len(got) != 1 {
			t.Errorf("after many: got %d reloads, want 1", len(got))
		}
	})
}

func TestWhileTheStoreIsAwayNobodyIsToldThatAllIsWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, true, Options{})
		b.table.broken = errors.New("gone")
		view, _ := page("list")
		w, leave := b.open(view, fmt.Sprint(b.hub.Position()))
		defer leave()
		synctest.Wait()
		if got := w.text.String(); got != "retry: 5000\n\n" {
			t.Errorf("got %q, want only when to come back", got)
		}
	})
}

func TestEachLineOfAPatchIsALineOfData(t *testing.T) {
	t.Parallel()
	got := string(frame(7, "patch", "<li>\r\n a\rb\n</li>"))
	want := "id: 7\nevent: patch\ndata: <li>\ndata:  a\ndata: b\ndata: </li>\n\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Remove(`a"<b`).HTML, `<template data-remove="a&quot;&lt;b"></template>`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAViewIsDrawnWhenItsMomentComesThoughNothingHasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		began := time.Now()
		handover := began.Add(40 * time.Minute)
		view, drawn := page("duty")
		view.Next = func(_ context.Context, behind time.Time) time.Time {
			if behind.Before(handover) {
				return handover
			}
			return time.Time{}
		}
		w, leave := b.open(view, "")
		defer leave()
		time.Sleep(time.Until(handover) - time.Millisecond)
		synctest.Wait()
		if got := drawn.Load(); got != 0 {
			t.Fatalf("drawings before the hand-over: got %d, want 0", got)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := w.events("patch"); !slices.Equal(got, []string{"directory:"}) {
			t.Errorf("patches at the hand-over: got %q, want one", got)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := drawn.Load(); got != 1 {
			t.Errorf("drawings in the hours after it: got %d, want 1", got)
		}
	})
}

func TestWhoWasAwayOverAHandOverIsDrawnItsViewAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, false, Options{})
		began := time.Now()
		handover := began.Add(time.Minute)
		view, _ := page("duty")
		view.Next = func(_ context.Context, behind time.Time) time.Time {
			if behind.Before(handover) {
				return handover
			}
			return time.Time{}
		}
		last := fmt.Sprint(store.SeqAt(began))
		time.Sleep(5 * time.Minute)
		w, leave := b.open(view, last)
		defer leave()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.events("patch"); len(got) != 1 {
			t.Errorf("patches: got %q, want one", got)
		}
	})
}

func TestAPageIsNotCalledLiveWhileChangesOfOtherNodesCantBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, true, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		defer leave()
		time.Sleep(time.Minute)
		b.fail(errors.New("the table can't be read"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := b.hub.Streams(); got != 1 {
			t.Fatalf("streams after two seconds: got %d, want 1", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := b.hub.Streams(); got != 0 {
			t.Errorf("streams after four seconds: got %d, want none", got)
		}
		back, leave := b.open(view, w.last())
		defer leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := len(back.events("beat")); got != 0 {
			t.Errorf("beats of who comes back: got %d, want none", got)
		}
		b.fail(nil)
		time.Sleep(time.Second)
		again, leave := b.open(view, w.last())
		defer leave()
		b.commit(change("inc_1"))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if beats, patches := len(again.events("beat")), len(again.events("patch")); beats < 2 || patches != 1 {
			t.Errorf("after it can be read again: got %d beats, %d patches, want 2 and 1", beats, patches)
		}
	})
}

func TestWhatWasToldIsBoundedWhileNothingCanBeForgotten(t *testing.T) {
	t.Parallel()
	var m memory
	for i := range 3 * mostTold {
		m.fresh([]store.Change{{Seq: int64(i)}})
	}
	if got := len(m.seqs); got > mostTold {
		t.Errorf("numbers remembered: got %d, want at most %d", got, mostTold)
	}
}

func TestWhatOthersCommittedWhileItCouldNotBeReadIsSeenAfterwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := run(t, true, Options{})
		view, _ := page("list")
		w, leave := b.open(view, "")
		defer leave()
		time.Sleep(time.Minute)
		b.fail(errors.New("the table can't be read"))
		time.Sleep(500 * time.Millisecond)
		b.write(change("theirs"))
		time.Sleep(2500 * time.Millisecond)
		b.commit(change("ours")) // which the page is told, and stands behind
		time.Sleep(10 * time.Second)
		b.fail(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		back, leave := b.open(view, w.last())
		defer leave()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := strings.Join(back.events("patch"), " "); !strings.Contains(got, "theirs") {
			t.Errorf("patches of who comes back: got %q, want what was missed", got)
		}
	})
}
