package web

import (
	"strings"
	"testing"

	"toban/config"
	"toban/oncall"
	"toban/web/view"
)

func TestThereIsAnExampleOfEachKindThatCanBeSaved(t *testing.T) {
	t.Parallel()
	for _, kind := range []oncall.MonitorKind{
		oncall.MonitorHTTP, oncall.MonitorPing, oncall.MonitorTCP, oncall.MonitorDNS, oncall.MonitorCertificate, oncall.MonitorGRPC,
		oncall.MonitorHeartbeat, oncall.MonitorPromQL, oncall.MonitorMetric,
	} {
		of, text := monitorExample(kind)
		m, problems := config.ReadMonitor("example", []byte(text), &oncall.Directory{Settings: oncall.Settings{Zone: "Asia/Tokyo"}}, nil)
		if of != kind || m == nil || m.Kind != kind {
			t.Errorf("%s: got one of %s, %v", kind, of, problems)
		}
	}
	if kind, text := monitorExample("nonsense"); kind != oncall.MonitorHTTP || text == "" {
		t.Errorf("of no kind: got %s %q, want that of http", kind, text)
	}
}

func TestWhatIsWrongWithAMonitorIsSaidInJapanese(t *testing.T) {
	t.Parallel()
	const url = "http: https://shop.example.jp\n"
	for text, want := range map[string]string{
		url + "evry: 15s":                      "「evry」というキーはありません。「every」のことですか。",
		url + "evry_zzz_qqq: 15s":              "「evry_zzz_qqq」というキーはありません。使えるのは",
		"every: 15s":                           "何を監視するかがありません",
		url + "ping: x.example":                "http がすでにあるので、ping は別の監視項目に",
		url + "severity: loud":                 "severity は critical, error, warning, info のどれかです（いまの値: loud）。",
		url + "every: 1ms":                     "every は 1s から",
		url + "every: soon":                    "every は 45s、10m、1h のように",
		url + "every: 10s\ntimeout: 20s":       "timeout（20s）は、every（10s）より短く",
		url + "down_after: often":              "down_after は 45s のような時間か、3x のような回数で",
		url + "service: nowhere":               "「nowhere」という service はありません。",
		url + "private: perhaps":               "private は true か false です",
		url + "expect: { status: 999 }":        "ステータスは 200、2xx、200-299 のように",
		url + "labels: [a]":                    "ここに書ける値の形が違います",
		"http: http://127.0.0.1/":              "127.0.0.1 はプライベートアドレスです",
		"http: https://shop.example.jp:0/":     "「0」はポート番号ではありません",
		"tcp: shop":                            "tcp にはポートも書いてください（例: ",
		url + "auth: { bearer: in-the-clear }": "この内容は受け付けられません。",
	} {
		m, problems := config.ReadMonitor("shop", []byte(text), &oncall.Directory{Settings: oncall.Settings{Zone: "Asia/Tokyo"}}, nil)
		if m != nil || len(problems) == 0 {
			t.Errorf("%q is taken", text)
			continue
		}
		said := view.ProblemOf(view.Shell{Lang: "ja"}, 1, problems[0].Message)
		if !strings.Contains(said.Text, want) {
			t.Errorf("%q: got %q for %q, want %q", text, said.Text, problems[0].Message, want)
		}
		if known := !strings.Contains(want, "受け付けられません"); known != (said.English == "") {
			t.Errorf("%q: in English is %q", text, said.English)
		}
		if english := view.ProblemOf(view.Shell{Lang: "en"}, 1, problems[0].Message); english.Text != problems[0].Message {
			t.Errorf("in English: got %q", english.Text)
		}
	}
	const message = "this is no condition in PromQL: unexpected <op:==>"
	if got := view.ProblemOf(view.Shell{Lang: "ja"}, 1, message); got.Text != "PromQL の条件として読み取れません: unexpected <op:==>" {
		t.Errorf("got %q", got.Text)
	}
}
