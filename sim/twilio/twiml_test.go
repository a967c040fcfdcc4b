package twilio

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func response(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response>" + inner + "</Response>"
}

func TestTwiMLIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		fatal      int
		warnings   []int
		verbs      string
	}{
		{"nothing to do", response(""), 0, nil, ""},
		{"every verb", response(`<Say>hello</Say><Play>a.mp3</Play><Pause length="2"/><Gather numDigits="1"><Say>press</Say></Gather><Redirect>next</Redirect>`), 0, nil, "Say Play Pause Gather Redirect"},
		{"a comment and a processing instruction", response(`<!-- hi --><?x y?><Hangup/>`), 0, nil, "Hangup"},
		{"Japanese with markup", response(`<Say language="ja-JP" voice="Polly.Mizuki">障害<break time="300ms"/>です<sub alias="けっさい">決済</sub></Say>`), 0, nil, "Say"},

		{"empty", "", 12100, nil, ""},
		{"not XML", "hello", 12100, nil, ""},
		{"not closed", "<Response><Say>hello</Response>", 12100, nil, ""},
		{"bare ampersand", response("<Say>R&D</Say>"), 12100, nil, ""},
		{"two roots", "<Response/><Response/>", 12100, nil, ""},
		{"text after the root", "<Response/>bye", 12100, nil, ""},
		{"blank before the declaration", " " + response(""), 12100, nil, ""},
		{"another encoding", `<?xml version="1.0" encoding="Shift_JIS"?><Response/>`, 12100, nil, ""},
		{"broken UTF-8", "<Response><Say>\xff</Say></Response>", 12100, nil, ""},
		{"a DOCTYPE", "<!DOCTYPE x><Response/>", 12100, nil, ""},
		{"an attribute twice", `<Response><Pause length="1" length="2"/></Response>`, 12100, nil, ""},
		{"too deep", strings.Repeat("<Response>", 20) + strings.Repeat("</Response>", 20), 12100, nil, ""},
		{"another root", "<response/>", 12102, nil, ""},
		{"too large", response("<Say>" + strings.Repeat("x", 64<<10) + "</Say>"), 11750, nil, ""},

		{"an unknown verb", response("<Speak>hello</Speak><Hangup/>"), 0, []int{12200}, "Hangup"},
		{"wrong case", response("<say>hello</say>"), 0, []int{12200}, ""},
		{"a verb that is not played here", response("<Dial>+819000000001</Dial>"), 0, []int{12200}, ""},
		{"an unknown attribute", response(`<Say lang="ja">hello</Say>`), 0, []int{12200}, "Say"},
		{"text between verbs", response("hello<Hangup/>"), 0, []int{12200}, "Hangup"},
		{"verbs after Redirect", response("<Redirect>x</Redirect><Say>never</Say>"), 0, []int{12200}, "Redirect"},
		{"verbs after Hangup", response("<Hangup/><Say>never</Say>"), 0, []int{12200}, "Hangup"},
		{"Redirect to nowhere", response("<Redirect/>"), 0, []int{12200}, ""},
		{"Redirect by PUT", response(`<Redirect method="PUT">x</Redirect>`), 0, []int{13710}, "Redirect"},
		{"Gather in Gather", response("<Gather><Gather/></Gather>"), 0, []int{13320}, "Gather"},
		{"Redirect in Gather", response("<Gather><Redirect>x</Redirect></Gather>"), 0, []int{13320}, "Gather"},
		{"Gather with text", response("<Gather>press</Gather>"), 0, []int{12200}, "Gather"},
		{"Gather with bad numbers", response(`<Gather numDigits="0" timeout="-1" finishOnKey="12" method="PUT" actionOnEmptyResult="yes"/>`), 0, []int{13314, 13313, 13310, 13312, 12200}, "Gather"},
		{"a long Pause", response(`<Pause length="1s"/>`), 0, []int{13910}, "Pause"},
		{"an empty Say", response("<Say> </Say>"), 0, []int{13520}, ""},
		{"a long Say", response("<Say>" + strings.Repeat("あ", 4097) + "</Say>"), 0, []int{13520}, ""},
		{"loop", response(`<Say loop="-1">x</Say>`), 0, []int{13510}, "Say"},
		{"an unknown voice", response(`<Say voice="Polly.Mizuki-Neural">x</Say>`), 0, []int{13511}, "Say"},
		{"a voice of another language", response(`<Say voice="Polly.Joanna" language="ja-JP">x</Say>`), 0, []int{13512}, "Say"},
		{"the basic voice in Japanese", response(`<Say voice="woman" language="ja-JP">x</Say>`), 0, []int{13512}, "Say"},
		{"an unknown language", response(`<Say language="ja">x</Say>`), 0, []int{13512}, "Say"},
		{"a known Google voice", response(`<Say voice="Google.ja-JP-Wavenet-B" language="ja-JP">x</Say>`), 0, nil, "Say"},
		{"an unknown Google voice", response(`<Say voice="Google.ja-JP-Wavenet-Z">x</Say>`), 0, []int{13511}, "Say"},
		{"markup without a voice for it", response(`<Say language="ja-JP">x<break time="1s"/></Say>`), 0, []int{12200}, "Say"},
		{"a break that is too long", response(`<Say voice="Polly.Takumi">x<break time="11s"/></Say>`), 0, []int{12200}, "Say"},
		{"markup that does not exist", response(`<Say voice="Polly.Takumi">x<bold>y</bold></Say>`), 0, []int{12200}, "Say"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, fatal := parseTwiML([]byte(tc.body))
			if got := codeOf(fatal); got != tc.fatal {
				t.Fatalf("fatal = %d, want %d", got, tc.fatal)
			}
			var codes []int
			for _, w := range doc.warnings {
				codes = append(codes, w.Code)
			}
			if diff := cmp.Diff(tc.warnings, codes); diff != "" {
				t.Errorf("warnings (-want +got):\n%s%v", diff, doc.warnings)
			}
			var verbs []string
			for _, v := range doc.verbs {
				verbs = append(verbs, v.name)
			}
			if got := strings.Join(verbs, " "); got != tc.verbs {
				t.Errorf("verbs = %q, want %q", got, tc.verbs)
			}
		})
	}
}

func codeOf(n *Note) int {
	if n == nil {
		return 0
	}
	return n.Code
}

func TestSpokenTextIsFlat(t *testing.T) {
	t.Parallel()
	doc, fatal := parseTwiML([]byte(response(`<Say voice="Polly.Takumi">
		緊急。<break time="300ms"/><sub alias="けっさい">決済</sub>が
		<prosody rate="90%">応答 &amp; <emphasis>しません</emphasis></prosody>。<break/></Say>`)))
	if fatal != nil || len(doc.verbs) != 1 || len(doc.warnings) != 0 {
		t.Fatalf("document = %+v, %v", doc, fatal)
	}
	if got, want := doc.verbs[0].text, "緊急。 けっさいが 応答 & しません。"; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	if got := doc.verbs[0].breaks.Milliseconds(); got != 800 {
		t.Errorf("breaks = %d ms, want 800", got)
	}
}

func FuzzTwiML(f *testing.F) {
	for _, seed := range []string{
		response(`<Gather input="dtmf" numDigits="1" timeout="8" actionOnEmptyResult="true" action="/g?a=1&amp;b=2"><Say language="ja-JP" voice="Polly.Takumi-Neural">対応する場合は 1<break time="300ms"/></Say><Pause length="1"/></Gather><Redirect method="POST">https://toban.example.jp/</Redirect>`),
		response(`<Say loop="0" voice="Google.ja-JP-Wavenet-B">x</Say><Play digits="12w"/><Reject reason="busy"/>`),
		"<Response><![CDATA[x]]><Say><![CDATA[<b>]]></Say></Response>", "<a:Response xmlns:a='b'/>", "<Response>&#x1F4DE;</Response>", "<", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, fatal := parseTwiML(body)
		if fatal != nil && (fatal.Code == 0 || fatal.Warning || len(doc.verbs) > 0) {
			t.Fatalf("fatal = %+v with %d verbs", fatal, len(doc.verbs))
		}
		for _, w := range doc.warnings {
			if w.Code == 0 || !w.Warning || w.Text == "" {
				t.Fatalf("warning = %+v", w)
			}
		}
		for _, v := range doc.verbs {
			if _, known := verbRules[v.name]; !known {
				t.Fatalf("verb %q is not played", v.name)
			}
			if !utf8.ValidString(v.text) || utf8.RuneCountInString(v.text) > maxTwiML {
				t.Fatalf("text of %d bytes", len(v.text))
			}
			if len(v.children) > 0 && v.name != "Gather" {
				t.Fatalf("%s has children", v.name)
			}
		}
	})
}
