package slack_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

func TestManyAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withEvents)
	const workers, each = 8, 25
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for j := range each {
				channel, ts, err := w.api.PostMessage(team, sdk.MsgOptionText(fmt.Sprint(i, j), false), sdk.MsgOptionBlocks(buttons()...))
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, _, err := w.api.UpdateMessage(channel, ts, sdk.MsgOptionText("new", false), sdk.MsgOptionBlocks(buttons()...)); err != nil {
					t.Error(err)
				}
				if call, err := w.Click(channel, ts, "ack", matsu); err != nil || call.Status != http.StatusOK {
					t.Errorf("%+v %v", call, err)
				}
				if j%5 == 0 {
					w.visit(t, http.MethodGet, "/sim/slack/?channel="+team, "")
				}
			}
		})
	}
	all.Wait()
	if got := len(w.Messages(team)); got != workers*each {
		t.Errorf("%d messages, want %d", got, workers*each)
	}
	if got := len(w.app.got("block_actions")); got != workers*each {
		t.Errorf("%d clicks, want %d", got, workers*each)
	}
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *slack.Options) { o.Keep = 10 })
	for i := range 250 {
		w.call(t, "chat.postMessage", "channel", team, "text", strconv.Itoa(i))
	}
	m := w.Messages(team)
	if len(m) < 10 || len(m) > 11 || m[len(m)-1].Text != "249" {
		t.Errorf("%d messages, the last %q; want about 10, 249", len(m), m[len(m)-1].Text)
	}
	if got := len(w.Requests()); got < 100 || got > 110 {
		t.Errorf("%d requests, want about 100", got)
	}
}

func TestWaitEndsWhenWhatIsAwaitedHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	posted := time.AfterFunc(20*time.Millisecond, func() { _, _ = w.Post(matsu, team, "x") })
	defer posted.Stop()
	must(t, w.Wait(t.Context(), func() bool { return len(w.Messages(team)) == 1 }))
	w.Close()
	if err := w.Wait(t.Context(), func() bool { return false }); err == nil {
		t.Error("waiting for a closed server does not end")
	}
}
