package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestBlockKitsLimitsAreExact has each limit twice: the last that fits, and the
// first that does not, with the words that name it.
func TestBlockKitsLimitsAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := func(n int) string { return strings.Repeat("あ", n) }
	plain := func(n int) string { return `{"type":"plain_text","text":"` + long(n) + `"}` }
	mrkdwn := func(n int) string { return `{"type":"mrkdwn","text":"` + long(n) + `"}` }
	repeat := func(one string, n int) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	button := func(rest string) string { return `{"type":"button","text":` + plain(1) + rest + `}` }
	actions := func(elements string) string { return `{"type":"actions","elements":[` + elements + `]}` }
	confirm := func(title, text, yes, no int) string {
		return actions(button(`,"confirm":{"title":` + plain(title) + `,"text":` + mrkdwn(text) + `,"confirm":` + plain(yes) + `,"deny":` + plain(no) + `}`))
	}
	buttons := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, button(fmt.Sprintf(`,"action_id":"a%d"`, i)))
		}
		return strings.Join(out, ",")
	}
	for _, tc := range []struct{ name, good, bad, says string }{
		{"blocks", repeat(`{"type":"divider"}`, 50), repeat(`{"type":"divider"}`, 51), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"type", `{"type":"divider"}`, `{"type":"dividers"}`, "unsupported type: dividers [json-pointer:/blocks/0/type]"},
		{"no type", `{"type":"divider"}`, `{}`, "missing required field: type [json-pointer:/blocks/0]"},
		{"an object", `{"type":"divider"}`, `"x"`, "must provide an object [json-pointer:/blocks/0]"},
		{"other fields", `{"type":"divider"}`, `{"type":"divider","colour":1}`, "invalid additional property: colour [json-pointer:/blocks/0]"},
		{"header", `{"type":"header","text":` + plain(150) + `}`, `{"type":"header","text":` + plain(151) + `}`, "must be less than 151 characters [json-pointer:/blocks/0/text/text]"},
		{"header is plain", `{"type":"header","text":` + plain(1) + `}`, `{"type":"header","text":` + mrkdwn(1) + `}`, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"},
		{"header says something", `{"type":"header","text":` + plain(1) + `}`, `{"type":"header","text":` + plain(0) + `}`, "must be more than 0 characters"},
		{"section", `{"type":"section","text":` + mrkdwn(3000) + `}`, `{"type":"section","text":` + mrkdwn(3001) + `}`, "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"section has words", `{"type":"section","fields":[` + plain(1) + `]}`, `{"type":"section"}`, "missing required field: text [json-pointer:/blocks/0]"},
		{"fields", `{"type":"section","fields":[` + repeat(mrkdwn(1), 10) + `]}`, `{"type":"section","fields":[` + repeat(mrkdwn(1), 11) + `]}`, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		{"field", `{"type":"section","fields":[` + mrkdwn(2000) + `]}`, `{"type":"section","fields":[` + plain(1) + "," + mrkdwn(2001) + `]}`, "must be less than 2001 characters [json-pointer:/blocks/0/fields/1/text]"},
		{"emoji is for plain text", `{"type":"section","text":{"type":"plain_text","text":"x","emoji":true}}`, `{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}`, "invalid additional property: emoji"},
		{"verbatim is for mrkdwn", `{"type":"section","text":{"type":"mrkdwn","text":"x","verbatim":true}}`, `{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}`, "invalid additional property: verbatim"},
		{"context", `{"type":"context","elements":[` + repeat(plain(1), 10) + `]}`, `{"type":"context","elements":[` + repeat(plain(1), 11) + `]}`, "no more than 10 items allowed [json-pointer:/blocks/0/elements]"},
		{"context is words and images", `{"type":"context","elements":[{"type":"image","image_url":"https://example.jp/x.png","alt_text":"x"}]}`, `{"type":"context","elements":[` + button("") + `]}`, "unsupported type: button"},
		{"actions", actions(buttons(25)), actions(buttons(26)), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"},
		{"actions are not empty", actions(buttons(1)), actions(""), "no less than 1 items allowed"},
		{"button", actions(`{"type":"button","text":` + plain(75) + `}`), actions(`{"type":"button","text":` + plain(76) + `}`), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"},
		{"value", actions(button(`,"value":"` + long(2000) + `"`)), actions(button(`,"value":"` + long(2001) + `"`)), "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"},
		{"action_id", actions(button(`,"action_id":"` + long(255) + `"`)), actions(button(`,"action_id":"` + long(256) + `"`)), "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"},
		{"action_id is unique", actions(buttons(2)), actions(button(`,"action_id":"a"`) + "," + button(`,"action_id":"a"`)), "must be unique in its block: action_id a"},
		{"block_id", `{"type":"divider","block_id":"` + long(255) + `"}`, `{"type":"divider","block_id":"` + long(256) + `"}`, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"},
		{"block_id is unique", `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, repeat(`{"type":"divider","block_id":"a"}`, 2), "must be unique: block_id a"},
		{"style", actions(button(`,"style":"danger"`)), actions(button(`,"style":"red"`)), "must be one of: primary, danger"},
		{"url", actions(button(`,"url":"https://example.jp/` + strings.Repeat("x", 2900) + `"`)), actions(button(`,"url":"https://example.jp/` + strings.Repeat("x", 3000) + `"`)), "must be less than 3001 characters"},
		{"url is one", actions(button(`,"url":"http://example.jp"`)), actions(button(`,"url":"javascript:1"`)), "must be a valid URL"},
		{"value is text", actions(button(`,"value":"1"`)), actions(button(`,"value":1`)), "must provide a string"},
		{"confirm title", confirm(100, 1, 1, 1), confirm(101, 1, 1, 1), "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]"},
		{"confirm text", confirm(1, 300, 1, 1), confirm(1, 301, 1, 1), "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]"},
		{"confirm yes", confirm(1, 1, 30, 1), confirm(1, 1, 31, 1), "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]"},
		{"confirm no", confirm(1, 1, 1, 30), confirm(1, 1, 1, 31), "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/deny/text]"},
		{"select", actions(`{"type":"static_select","options":[` + repeat(`{"text":`+plain(75)+`,"value":"`+long(150)+`"}`, 100) + `]}`), actions(`{"type":"static_select","options":[` + repeat(`{"text":`+plain(1)+`,"value":"x"}`, 101) + `]}`), "no more than 100 items allowed"},
		{"overflow", actions(`{"type":"overflow","options":[` + repeat(`{"text":`+plain(1)+`,"value":"x"}`, 5) + `]}`), actions(`{"type":"overflow","options":[{"text":` + plain(1) + `}]}`), "missing required field: value"},
		{"accessory", `{"type":"section","text":` + plain(1) + `,"accessory":` + button("") + `}`, `{"type":"section","text":` + plain(1) + `,"accessory":{"type":"lever"}}`, "unsupported type: lever [json-pointer:/blocks/0/accessory/type]"},
		{"image", `{"type":"image","image_url":"https://example.jp/x.png","alt_text":"x"}`, `{"type":"image","image_url":"https://example.jp/x.png"}`, "missing required field: alt_text"},
		{"markdown", `{"type":"markdown","text":"` + long(12_000) + `"}`, `{"type":"markdown","text":"` + long(12_001) + `"}`, "must be less than 12001 characters"},
		{"rich text", `{"type":"rich_text","elements":[{}]}`, `{"type":"rich_text"}`, "missing required field: elements"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if out := w.call(t, "chat.postMessage", "channel", team, "text", "x", "blocks", "["+tc.good+"]"); code(out) != "ok" {
				t.Errorf("the last that fits: %v", out)
			}
			out := w.call(t, "chat.postMessage", "channel", team, "text", "x", "blocks", "["+tc.bad+"]")
			messages, _ := json.Marshal(out["response_metadata"])
			if code(out) != "invalid_blocks" || !strings.Contains(string(messages), tc.says) || !strings.Contains(string(messages), "[ERROR] ") {
				t.Errorf("the first that does not: %s %s, want %q", code(out), messages, tc.says)
			}
		})
	}
}

func TestBlocksInAttachmentsAreCheckedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.call(t, "chat.postMessage", "channel", team, "attachments", `[{"color":"danger","blocks":[{"type":"header"}]}]`)
	if messages, _ := json.Marshal(out); code(out) != "invalid_attachments" || !strings.Contains(string(messages), "/attachments/0/blocks/0") {
		t.Errorf("%s", messages)
	}
}

func TestIDsThatWereLeftOutAreFilledIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(t, "chat.postMessage", "channel", team, "blocks", `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}}]},{"type":"divider"}]`)
	m := w.Messages(team)[0]
	if e := m.Elements(); len(e) != 1 || e[0].ActionID == "" || e[0].BlockID == "" || strings.Count(string(m.Blocks), "block_id") != 2 {
		t.Errorf("elements %+v of %s", e, m.Blocks)
	}
}

func TestWordsAreAllThatIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(t, team)
	m := w.Messages(team)[0]
	for _, want := range []string{"#482 決済 API エラー率", "*担当*\n<@" + matsu + ">", "対応する", "ステップ 1/3"} {
		if !strings.Contains(m.Words(), want) {
			t.Errorf("no %q in %q", want, m.Words())
		}
	}
	if e, ok := m.Element("resolve"); !ok || e.Text != "解決" || e.Value != "#482" {
		t.Errorf("resolve: %+v", e)
	}
}
