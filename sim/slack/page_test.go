package slack_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

var update = flag.Bool("update", false, "write the golden files anew")

// visit asks the server in process.
func (w *world) visit(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := w.Transport().RoundTrip(r)
	must(t, err)
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return res, string(text)
}

// fill posts one of everything that the page draws.
func (w *world) fill(t *testing.T) string {
	t.Helper()
	ts := w.post(t, team)
	_, _, err := w.api.PostMessage(team, sdk.MsgOptionTS(ts), sdk.MsgOptionText("*太字* _斜体_ ~取消~ `code` <https://example.jp/a_b_c|手順書> &lt;b&gt; <#C0SIDE> <!subteam^S0ONCALL> <!here>\n> 引用\n```\nblock\n```", false))
	must(t, err)
	_, _, err = w.api.PostMessage(team, sdk.MsgOptionAttachments(sdk.Attachment{Color: "danger", Title: "題", Text: "*x*", Footer: "脚", Fields: []sdk.AttachmentField{{Title: "項目", Value: "値"}}}))
	must(t, err)
	_, err = w.api.PostEphemeral(team, matsu, sdk.MsgOptionText("あなたに", false))
	must(t, err)
	w.call(t, "chat.postMessage", "channel", team, "blocks", `[{"type":"divider"},{"type":"image","image_url":"https://example.jp/x.png","alt_text":"図"},
		{"type":"actions","elements":[{"type":"static_select","options":[{"text":{"type":"plain_text","text":"1 時間"},"value":"1h"}]}]},
		{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"<i>豊か</i>"}]}]}]`)
	must(t, w.React(matsu, team, ts, "eyes"))
	must(t, w.api.AddPin(team, sdk.NewRefToMessage(team, ts)))
	w.call(t, "bookmarks.add", "channel_id", team, "title", "#482", "type", "link", "link", "https://toban.example.jp/incidents/482")
	w.call(t, "conversations.setTopic", "channel", team, "topic", "当番: <@"+matsu+">")
	return ts
}

func TestThePageShowsWhatIsInTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fill(t)
		for _, lang := range []string{"en", "ja"} {
			res, got := w.visit(t, http.MethodGet, "/sim/slack/?channel=team-checkout&as="+matsu+"&lang="+lang, "")
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'self'") {
				t.Errorf("CSP = %q", csp)
			}
			golden := "testdata/chat." + lang + ".html"
			if *update {
				must(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		}
	})
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	_, page := w.visit(t, http.MethodGet, "/sim/slack/?channel="+team, "")
	for _, want := range []string{"simulated — nothing leaves this machine", "松", `http-equiv="refresh"`, "width=device-width", `href="https://example.jp/a_b_c"`, "&lt;i&gt;豊か"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, unwanted := range []string{"style=", "<style", "onclick", `src="http`, "<script>", "<img", `"/`} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page has %q", unwanted)
		}
	}
	for file, kind := range map[string]string{"chat.css": "text/css", "chat.js": "text/javascript"} {
		res, text := w.visit(t, http.MethodGet, "/sim/slack/static/"+file, "")
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || text == "" {
			t.Errorf("%s: %d %s", file, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

func TestTheAddressWithoutTheSlashLeadsToThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if res, _ := w.visit(t, http.MethodGet, "/sim/slack?channel=side", ""); res.Header.Get("Location") != "slack/?channel=side" {
		t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestAFrameShowsOnlyTheMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	_, page := w.visit(t, http.MethodGet, "/sim/slack/?embed=1&channel=team-checkout", "")
	for _, unwanted := range []string{`id="channels"`, `id="foot"`, `class="as"`} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the frame has %q", unwanted)
		}
	}
	if !strings.Contains(page, "対応する") || !strings.Contains(page, "simulated — nothing leaves this machine") || !strings.Contains(page, `name="embed" value="1"`) {
		t.Error("the frame lacks the button, the label, or the way back")
	}
	if _, page := w.visit(t, http.MethodGet, "/sim/slack/?embed=1&channel=not-yet", ""); !strings.Contains(page, "no such channel") {
		t.Error("a channel that is not there yet is not said")
	}
}

func TestThePageWorksWithFormsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts := w.post(t, team)
	who := "channel=" + team + "&as=" + matsu + "&lang=ja"
	res, _ := w.visit(t, http.MethodPost, "/sim/slack/click", who+"&ts="+ts+"&action=ack")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "./?as="+matsu+"&channel="+team+"&lang=ja" {
		t.Errorf("click: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if len(w.app.got("block_actions")) != 1 {
		t.Error("the click did not arrive")
	}
	w.visit(t, http.MethodPost, "/sim/slack/post", who+"&text=見ます")
	if m := w.Messages(team); len(m) != 2 || m[1].Text != "見ます" || m[1].User != matsu {
		t.Errorf("messages: %+v", m)
	}
	w.app.reply("/interact", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
	w.visit(t, http.MethodPost, "/sim/slack/click", who+"&ts="+ts+"&action=ack")
	if _, page := w.visit(t, http.MethodGet, "/sim/slack/?"+who, ""); !strings.Contains(page, "アプリから応答がありませんでした") {
		t.Error("the page does not say that the click failed")
	}
}

func TestPrivateChannelsAreShownToTheirMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, page := w.visit(t, http.MethodGet, "/sim/slack/?channel=hidden&as="+take, ""); strings.Contains(page, ">hidden<") || !strings.Contains(page, "no such channel") {
		t.Error("a private channel is shown to somebody else")
	}
	if _, page := w.visit(t, http.MethodGet, "/sim/slack/?channel=hidden&as="+matsu, ""); !strings.Contains(page, ">hidden<") {
		t.Error("a private channel is not shown to its member")
	}
}

// TestThePageIsLive has a server with a network, as a browser meets it.
func TestThePageIsLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/sim/slack/live?channel="+team+"&lang=ja", nil)
	must(t, err)
	res, err := server.Client().Do(r)
	must(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	until := func(want string) bool {
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return true
			}
		}
		return false
	}
	if !until("まだ投稿はありません") {
		t.Fatal("the first picture does not come")
	}
	w.post(t, team)
	if !until("対応する") {
		t.Error("the new message does not come")
	}
	must(t, w.Archive(matsu, team))
	if !until("アーカイブしました") {
		t.Error("the archive does not come")
	}
}

func TestBothLanguagesHaveEveryWord(t *testing.T) {
	t.Parallel()
	s := slack.New(slack.Options{})
	defer s.Close()
	en, ja := slack.Words("en"), slack.Words("ja")
	for key := range en {
		if ja[key] == "" {
			t.Errorf("ja has no %q", key)
		}
	}
	if len(en) != len(ja) {
		t.Errorf("%d words in en, %d in ja", len(en), len(ja))
	}
}
