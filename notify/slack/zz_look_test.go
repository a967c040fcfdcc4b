package slack_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"toban/oncall"
)

func TestZZLook(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		h := newHouse(t, []string{"sqlite:" + filepath.Join(t.TempDir(), "t.db")}, own(oncall.ChatAlways), func(s *setup) { s.settings.Language = lang })
		srv := &http.Server{Addr: "127.0.0.1:18099", Handler: h.slack}
		go srv.ListenAndServe()
		id := h.trigger("db-1", func(s *oncall.Signal) { s.Title = "エラー率 7%" })
		time.Sleep(4 * time.Second)
		h.acknowledge(id, "take")
		h.nodes[0].life.Note(t.Context(), id, "再起動します", "take", "web")
		h.trigger("db-2", func(s *oncall.Signal) { s.Title = "disk full" })
		time.Sleep(3 * time.Second)
		for i := range 15 {
			h.trigger("host-"+string(rune('a'+i)), func(s *oncall.Signal) { s.Title = "host down" })
		}
		time.Sleep(8 * time.Second)
		for _, c := range []string{"alerts", "inc-1-checkout"} {
			ch, _ := h.slack.Channel(c)
			out, err := exec.Command("timeout", "-k", "2", "25", "/usr/bin/chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--window-size=1000,1400", "--screenshot=/tmp/slack-"+lang+"-"+c+".png", "http://127.0.0.1:18099/sim/slack/?channel="+ch.ID).CombinedOutput()
			t.Log(ch.ID, string(out), err)
		}
		for _, m := range h.slack.Timeline("alerts") {
			t.Log(m.TS, m.ThreadTS, m.Text)
		}
		for _, m := range h.slack.Messages("inc-1-checkout") {
			t.Log(m.TS, m.Text)
		}
		srv.Close()
		h.close()
	}
}
