package slack

import (
	"html/template"
	"strings"
)

// blockView is a block, ready to be drawn.
type blockView struct {
	Kind     string // header, text, fields, divider, context, actions, image, unknown
	Text     template.HTML
	Fields   []template.HTML
	Elements []elementView
	Words    map[string]string
}

// elementView is something to press or choose.
type elementView struct {
	Message messageView
	Type    string
	Action  string
	ID      string // of the HTML element
	Text    template.HTML
	Label   string
	Style   string
	URL     string
	Options []Option
	Confirm *confirmView
}

type confirmView struct {
	Title, Text, Yes, No template.HTML
	Style                string
}

func (w writer) blocks(list []map[string]any, m messageView) []blockView {
	var out []blockView
	for _, b := range list {
		out = append(out, w.block(b, m)...)
	}
	return out
}

// words is a text object as HTML.
func (w writer) words(v any) template.HTML {
	o, _ := v.(map[string]any)
	if o["type"] == "mrkdwn" {
		return w.html(wordsOf(v))
	}
	return w.plain(wordsOf(v))
}

func (w writer) block(b map[string]any, m messageView) []blockView {
	kind, _ := b["type"].(string)
	one := func(v blockView) []blockView { v.Words = m.Words; return []blockView{v} }
	list, _ := b["elements"].([]any)
	switch kind {
	case "header":
		return one(blockView{Kind: "header", Text: w.plain(wordsOf(b["text"]))})
	case "divider":
		return one(blockView{Kind: "divider"})
	case "section":
		return w.section(b, m)
	case "context":
		v := blockView{Kind: "context"}
		for _, e := range list {
			if o, _ := e.(map[string]any); o["type"] == "image" {
				alt, _ := o["alt_text"].(string)
				v.Fields = append(v.Fields, w.plain(alt))
			} else {
				v.Fields = append(v.Fields, w.words(e))
			}
		}
		return one(v)
	case "actions":
		v := blockView{Kind: "actions"}
		for _, e := range list {
			v.Elements = append(v.Elements, w.element(b, e, m))
		}
		return one(v)
	case "image":
		alt, _ := b["alt_text"].(string)
		return one(blockView{Kind: "image", Text: w.plain(alt)})
	case "markdown":
		text, _ := b["text"].(string)
		return one(blockView{Kind: "text", Text: w.html(strings.ReplaceAll(text, "**", "*"))})
	case "rich_text":
		var text strings.Builder
		richText(&text, list)
		return one(blockView{Kind: "text", Text: w.html(text.String())})
	default:
		return one(blockView{Kind: "unknown"})
	}
}

func (w writer) section(b map[string]any, m messageView) []blockView {
	var out []blockView
	if wordsOf(b["text"]) != "" {
		out = append(out, blockView{Kind: "text", Text: w.words(b["text"]), Words: m.Words})
	}
	if fields, _ := b["fields"].([]any); len(fields) > 0 {
		v := blockView{Kind: "fields", Words: m.Words}
		for _, f := range fields {
			v.Fields = append(v.Fields, w.words(f))
		}
		out = append(out, v)
	}
	if o, ok := b["accessory"].(map[string]any); ok {
		if o["type"] == "image" {
			alt, _ := o["alt_text"].(string)
			return append(out, blockView{Kind: "image", Text: w.plain(alt), Words: m.Words})
		}
		return append(out, blockView{Kind: "actions", Elements: []elementView{w.element(b, o, m)}, Words: m.Words})
	}
	return out
}

func (w writer) element(b map[string]any, v any, m messageView) elementView {
	o, _ := v.(map[string]any)
	blockID, _ := b["block_id"].(string)
	e := newElement(blockID, o)
	out := elementView{
		Message: m, Type: e.Type, Action: e.ActionID, ID: m.ID + "-" + anchor(e.BlockID+"-"+e.ActionID), Text: w.plain(e.Text), Style: e.Style, URL: e.URL, Options: e.Options,
	}
	out.Label, _ = o["accessibility_label"].(string)
	if words := wordsOf(o["placeholder"]); words != "" {
		out.Text = w.plain(words)
	}
	if c, ok := o["confirm"].(map[string]any); ok {
		out.Confirm = &confirmView{Title: w.words(c["title"]), Text: w.words(c["text"]), Yes: w.words(c["confirm"]), No: w.words(c["deny"])}
		out.Confirm.Style, _ = c["style"].(string)
	}
	return out
}

// anchor is a text as part of an id in HTML.
func anchor(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '.'
	}, text)
}

// richText collects what rich text says, without its looks.
func richText(b *strings.Builder, list []any) {
	for _, v := range list {
		o, _ := v.(map[string]any)
		switch o["type"] {
		case "text":
			text, _ := o["text"].(string)
			b.WriteString(text)
		case "link":
			link, _ := o["url"].(string)
			b.WriteString("<" + link + ">")
		case "user":
			id, _ := o["user_id"].(string)
			b.WriteString("<@" + id + ">")
		}
		inside, _ := o["elements"].([]any)
		richText(b, inside)
		if strings.HasPrefix(wordOf(o["type"]), "rich_text_") {
			b.WriteString("\n")
		}
	}
}

func wordOf(v any) string { text, _ := v.(string); return text }
