package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/slack-go/slack"
	"go.uber.org/goleak"

	"toban/sim/slack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token  = "xoxb-simulated-for-tests"
	secret = "8f742231b10e8888abcd99yyyzzz85a5"
	bot    = "U0SIMBOT"
	matsu  = "U0MATSU"
	take   = "U0TAKE"
	gone   = "U0GONE"
	team   = "C0TEAM"
	side   = "C0SIDE"   // the bot is not in it
	hidden = "C0HIDDEN" // private, without the bot
	inner  = "C0INNER"  // private, with the bot
	old    = "C0OLD"    // archived
	group  = "S0ONCALL"
)

// hit is one callback that the application got.
type hit struct {
	at      time.Time
	path    string
	header  http.Header
	payload string // JSON
	signed  error  // what the vendor's own verifier says
}

// app is the application that is called back: a log, and answers by path.
type app struct {
	mu      sync.Mutex
	hits    []hit
	replies map[string]http.HandlerFunc // by path
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v, err := sdk.NewSecretsVerifier(r.Header, secret)
	if err == nil {
		_, _ = v.Write(body)
		err = v.Ensure()
	}
	payload := string(body)
	if form, bad := url.ParseQuery(payload); bad == nil && form.Has("payload") {
		payload = form.Get("payload")
	}
	a.mu.Lock()
	a.hits = append(a.hits, hit{time.Now(), r.URL.Path, r.Header.Clone(), payload, err})
	reply := a.replies[r.URL.Path]
	a.mu.Unlock()
	var challenge struct{ Type, Challenge string }
	switch _ = json.Unmarshal([]byte(payload), &challenge); {
	case reply != nil:
		reply(w, r)
	case challenge.Type == "url_verification":
		_, _ = io.WriteString(w, challenge.Challenge)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// got returns the callbacks whose payload has all these words.
func (a *app) got(words ...string) []hit {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []hit
next:
	for _, h := range a.hits {
		for _, w := range words {
			if !strings.Contains(h.payload, w) {
				continue next
			}
		}
		out = append(out, h)
	}
	return out
}

func (a *app) reply(path string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.replies == nil {
		a.replies = map[string]http.HandlerFunc{}
	}
	a.replies[path] = h
}

// RoundTrip lets the app be reached without a network.
func (a *app) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// world is a workspace, its client as the vendor wrote it, and an application.
type world struct {
	*slack.Server
	app *app
	api *sdk.Client
	web *http.Client
}

func newWorld(t *testing.T, change ...func(*slack.Options)) *world {
	t.Helper()
	a := &app{}
	o := slack.Options{
		Token: token, SigningSecret: secret,
		Team: slack.Team{ID: "T0CORP", Name: "まねき商店", Domain: "maneki"},
		Users: []slack.User{
			{ID: matsu, Name: "matsu", RealName: "松", Email: "matsu@example.jp"},
			{ID: take, Name: "take", RealName: "竹", Email: "take@example.jp"},
			{ID: gone, Name: "gone", RealName: "梅", Email: "gone@example.jp", Deleted: true},
		},
		Channels: []slack.Channel{
			{ID: team, Name: "team-checkout", Members: []string{bot, matsu}},
			{ID: side, Name: "side", Members: []string{matsu}},
			{ID: hidden, Name: "hidden", Private: true, Members: []string{matsu}},
			{ID: inner, Name: "inner", Private: true, Members: []string{bot, matsu}},
			{ID: old, Name: "inc-7", Archived: true, Members: []string{bot, matsu}},
			{ID: "C0GENERAL", Name: "general", General: true, Members: []string{bot, matsu, take}},
		},
		Groups:      []slack.Group{{ID: group, Handle: "oncall-checkout", Name: "On call", Users: []string{matsu}}},
		InteractURL: "https://toban.example.jp/interact",
		Client:      &http.Client{Transport: a},
		Limits:      slack.Limits{Off: true},
		Zone:        time.FixedZone("JST", 9*60*60),
	}
	for _, c := range change {
		c(&o)
	}
	s := slack.New(o)
	t.Cleanup(s.Close)
	web := &http.Client{Transport: s.Transport()}
	return &world{Server: s, app: a, web: web, api: sdk.New(token, sdk.OptionAPIURL("http://slack.invalid/api/"), sdk.OptionHTTPClient(web))}
}

func withEvents(o *slack.Options) { o.EventsURL = "https://toban.example.jp/events" }

// call asks a method with a form, as slack-go does.
func (w *world) call(t *testing.T, method string, args ...string) map[string]any {
	t.Helper()
	form := url.Values{"token": {token}}
	for i := 0; i < len(args); i += 2 {
		form.Set(args[i], args[i+1])
	}
	res, err := w.web.PostForm("http://slack.invalid/api/"+method, form)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatalf("%s: %d, not JSON: %v", method, res.StatusCode, err)
	}
	return out
}

// code is the error of an answer, or "ok".
func code(out map[string]any) string {
	if out["ok"] == true {
		return "ok"
	}
	c, _ := out["error"].(string)
	return c
}

// buttons is a message as an on-call app posts it.
func buttons() []sdk.Block {
	ack := sdk.NewButtonBlockElement("ack", "#482", sdk.NewTextBlockObject("plain_text", "対応する", true, false)).WithStyle(sdk.StylePrimary)
	resolve := sdk.NewButtonBlockElement("resolve", "#482", sdk.NewTextBlockObject("plain_text", "解決", true, false)).WithConfirm(
		sdk.NewConfirmationBlockObject(
			sdk.NewTextBlockObject("plain_text", "解決にしますか", false, false), sdk.NewTextBlockObject("mrkdwn", "通知を止めます", false, false),
			sdk.NewTextBlockObject("plain_text", "解決", false, false), sdk.NewTextBlockObject("plain_text", "戻る", false, false)))
	open := sdk.NewButtonBlockElement("open", "", sdk.NewTextBlockObject("plain_text", "開く", false, false)).WithURL("https://toban.example.jp/incidents/482")
	field := func(text string) *sdk.TextBlockObject { return sdk.NewTextBlockObject("mrkdwn", text, false, false) }
	return []sdk.Block{
		sdk.NewHeaderBlock(sdk.NewTextBlockObject("plain_text", ":rotating_light: #482 決済 API エラー率", true, false)),
		sdk.NewSectionBlock(nil, []*sdk.TextBlockObject{
			field("*状態*\n未対応"), field("*担当*\n<@" + matsu + ">"), field("*サービス*\n決済"), field("*発生*\n<!date^1795155151^{date_num} {time_secs}|2026-11-20 15:12:31>"),
		}, nil, sdk.SectionBlockOptionBlockID("facts")),
		sdk.NewActionBlock("inc:#482", ack, resolve, open),
		sdk.NewContextBlock("", field("ステップ 1/3 · 次は 5 分後 · Prometheus")),
	}
}

// post posts such a message and returns its timestamp.
func (w *world) post(t *testing.T, channel string) string {
	t.Helper()
	_, ts, err := w.api.PostMessage(channel, sdk.MsgOptionText("#482 決済 API エラー率", false), sdk.MsgOptionBlocks(buttons()...),
		sdk.MsgOptionMetadata(sdk.SlackMetadata{EventType: "toban_incident", EventPayload: map[string]any{"incident": "#482", "v": 1}}))
	if err != nil {
		t.Fatalf("post: %v", err)
	}
	return ts
}
