package slack

import (
	"encoding/json"
	"fmt"
)

// element checks something to press or choose; actions are the ids seen in its
// block.
func (k *kit) element(at string, v any, actions map[string]bool) {
	o, ok := v.(map[string]any)
	if !ok {
		k.bad(at, "must provide an object")
		return
	}
	switch kind, _ := o["type"].(string); kind {
	case "button":
		k.button(at, o)
	case "overflow":
		k.object(at, o, "action_id", "options", "confirm")
		k.options(at, o, maxOverflow)
	case "static_select":
		k.object(at, o, "action_id", "options", "initial_option", "placeholder", "confirm", "focus_on_load")
		k.options(at, o, maxOptions)
		if words, ok := o["placeholder"]; ok {
			k.words(at+"/placeholder", words, maxPlaceholder, false)
		}
	case "":
		k.bad(at, "missing required field: type")
	default:
		k.bad(at+"/type", "unsupported type: %s", kind)
	}
	if confirm, ok := o["confirm"]; ok {
		k.confirm(at+"/confirm", confirm)
	}
	k.actionID(at, o, actions)
}

// actionID checks the id of an element, or gives it one.
func (k *kit) actionID(at string, o map[string]any, seen map[string]bool) {
	id, ok := o["action_id"].(string)
	switch {
	case o["action_id"] == nil || ok && id == "":
		o["action_id"] = k.newID()
		return
	case !ok:
		k.bad(at+"/action_id", "must provide a string")
		return
	}
	k.text(at, o, "action_id", maxID, false)
	if seen[id] {
		k.bad(at+"/action_id", "must be unique in its block: action_id %s", id)
	}
	seen[id] = true
}

func (k *kit) button(at string, o map[string]any) {
	k.object(at, o, "text", "action_id", "url", "value", "style", "confirm", "accessibility_label")
	if words, ok := k.must(at, o, "text"); ok {
		k.words(at+"/text", words, maxButtonText, false)
	}
	k.text(at, o, "value", maxButtonValue, false)
	k.text(at, o, "accessibility_label", maxButtonText, false)
	k.link(at, o, "url", false)
	k.oneOf(at, o, "style", "primary", "danger")
}

func (k *kit) options(at string, o map[string]any, limit int) {
	for i, v := range k.list(at, o, "options", limit) {
		at := fmt.Sprintf("%s/options/%d", at, i)
		option, ok := k.object(at, v, "text", "value", "description", "url")
		if !ok {
			continue
		}
		if words, ok := k.must(at, option, "text"); ok {
			k.words(at+"/text", words, maxButtonText, false)
		}
		k.text(at, option, "value", maxOptionValue, true)
		k.link(at, option, "url", false)
	}
}

func (k *kit) confirm(at string, v any) {
	o, ok := k.object(at, v, "title", "text", "confirm", "deny", "style")
	if !ok {
		return
	}
	for _, part := range []struct {
		name   string
		limit  int
		mrkdwn bool
	}{{"title", maxConfirmTitle, false}, {"text", maxConfirmText, true}, {"confirm", maxConfirmLabel, false}, {"deny", maxConfirmLabel, false}} {
		if words, ok := k.must(at, o, part.name); ok {
			k.words(at+"/"+part.name, words, part.limit, part.mrkdwn)
		}
	}
	k.oneOf(at, o, "style", "primary", "danger")
}

// Element is something of a message that can be pressed or chosen from.
type Element struct {
	Type     string // button, overflow, static_select
	BlockID  string
	ActionID string
	Text     string         // of a button
	Value    string         // of a button
	Style    string         // of a button: primary, danger or empty
	URL      string         // of a button
	Options  []Option       // of overflow and static_select
	Wire     map[string]any // as it was posted
}

// Option is one choice of a menu.
type Option struct {
	Text  string
	Value string
}

// Elements are what can be pressed in the message, attachments included, in the
// order of the page.
func (m *Message) Elements() []Element {
	var out []Element
	for _, block := range m.allBlocks() {
		var inside []any
		if block["type"] == "actions" {
			inside, _ = block["elements"].([]any)
		} else if accessory, ok := block["accessory"]; ok {
			inside = []any{accessory}
		}
		id, _ := block["block_id"].(string)
		for _, v := range inside {
			if o, ok := v.(map[string]any); ok && o["type"] != "image" {
				out = append(out, newElement(id, o))
			}
		}
	}
	return out
}

// Element returns the element with that action id.
func (m *Message) Element(actionID string) (Element, bool) {
	for _, e := range m.Elements() {
		if e.ActionID == actionID {
			return e, true
		}
	}
	return Element{}, false
}

func newElement(blockID string, o map[string]any) Element {
	text := func(name string) string { t, _ := o[name].(string); return t }
	e := Element{
		Type: text("type"), BlockID: blockID, ActionID: text("action_id"), Text: wordsOf(o["text"]),
		Value: text("value"), Style: text("style"), URL: text("url"), Wire: o,
	}
	list, _ := o["options"].([]any)
	for _, v := range list {
		if option, ok := v.(map[string]any); ok {
			value, _ := option["value"].(string)
			e.Options = append(e.Options, Option{Text: wordsOf(option["text"]), Value: value})
		}
	}
	return e
}

// wordsOf is what a text object says.
func wordsOf(v any) string {
	o, _ := v.(map[string]any)
	text, _ := o["text"].(string)
	return text
}

// allBlocks are the blocks of the message and of its attachments.
func (m *Message) allBlocks() []map[string]any {
	out := objects(m.Blocks)
	for _, a := range objects(m.Attachments) {
		list, _ := a["blocks"].([]any)
		for _, v := range list {
			if o, ok := v.(map[string]any); ok {
				out = append(out, o)
			}
		}
	}
	return out
}

// objects reads a list of objects; what was stored is one.
func objects(raw json.RawMessage) []map[string]any {
	var list []map[string]any
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &list) // checked when it was posted
	}
	return list
}
