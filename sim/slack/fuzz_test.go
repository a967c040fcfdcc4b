package slack

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzBlocksAreCheckedAndDrawn posts anything at all and draws what was taken.
func FuzzBlocksAreCheckedAndDrawn(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{}`, `[null]`, `[{"type":"divider"}]`, `[{"type":"header","text":{"type":"plain_text","text":"x"}}]`,
		`[{"type":"section","text":{"type":"mrkdwn","text":"*x*"},"fields":[{"type":"mrkdwn","text":"<@U1>"}],"accessory":{"type":"overflow","options":[{"text":{"type":"plain_text","text":"x"},"value":"y"}]}}]`,
		`[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"},"confirm":{"title":{"type":"plain_text","text":"a"},"text":{"type":"mrkdwn","text":"b"},"confirm":{"type":"plain_text","text":"c"},"deny":{"type":"plain_text","text":"d"}}}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"link","url":"https://x"}]}]}]`,
		`[{"type":"context","elements":[{"type":"image","image_url":"https://x","alt_text":"y"}]}]`,
	} {
		f.Add(seed)
	}
	s := New(Options{Users: []User{{ID: "U1", Name: "a"}}})
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		blocks, problems := checkBlocks(v, "/blocks", func() string { return time.Now().Format(time.RFC3339Nano) })
		if len(problems) > 0 && blocks != nil {
			t.Errorf("%s is kept although %v", text, problems)
		}
		m := &Message{Channel: "C0GENERAL", TS: "1.000000", User: "U1", Blocks: blocks}
		m.Words()
		m.Elements()
		s.messageView(writer{language: "en", zone: time.UTC, name: s.nameOf, looks: s.looks}, s.channels[0], m, chatView{Words: words["en"]})
	})
}
