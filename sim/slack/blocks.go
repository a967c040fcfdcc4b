package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of Block Kit, in characters and numbers.
const (
	maxBlocks       = 50
	maxHeaderText   = 150
	maxSectionText  = 3000
	maxFields       = 10
	maxFieldText    = 2000
	maxContext      = 10
	maxActions      = 25
	maxButtonText   = 75
	maxButtonValue  = 2000
	maxBlockURL     = 3000
	maxID           = 255
	maxAltText      = 2000
	maxMarkdown     = 12_000
	maxConfirmTitle = 100
	maxConfirmText  = 300
	maxConfirmLabel = 30
	maxOptions      = 100
	maxOverflow     = 5
	maxOptionValue  = 150
	maxPlaceholder  = 150
)

// kit checks blocks, fills in the ids that were left out, and collects what is
// wrong in the service's words.
type kit struct {
	newID    func() string
	problems []string
	blockIDs map[string]bool
}

// checkBlocks returns the blocks as they are kept.
func checkBlocks(v any, at string, newID func() string) (json.RawMessage, []string) {
	k := &kit{newID: newID, blockIDs: make(map[string]bool)}
	list, ok := v.([]any)
	switch {
	case !ok:
		k.bad(at, "must provide an array")
	case len(list) > maxBlocks:
		k.bad(at, "no more than %d items allowed", maxBlocks)
	default:
		for i, b := range list {
			k.block(fmt.Sprintf("%s/%d", at, i), b)
		}
	}
	if len(k.problems) > 0 || len(list) == 0 {
		return nil, k.problems
	}
	raw, err := json.Marshal(list)
	if err != nil {
		k.bad(at, "can't be stored")
	}
	return raw, k.problems
}

func (k *kit) bad(at, format string, a ...any) {
	k.problems = append(k.problems, fmt.Sprintf("[ERROR] "+format+" [json-pointer:%s]", append(a, at)...))
}

// object is a JSON object with no other fields than these, which begin with
// "type" by themselves.
func (k *kit) object(at string, v any, fields ...string) (map[string]any, bool) {
	o, ok := v.(map[string]any)
	if !ok {
		k.bad(at, "must provide an object")
		return nil, false
	}
	for name := range o {
		if name != "type" && !slices.Contains(fields, name) {
			k.bad(at, "invalid additional property: %s", name)
		}
	}
	return o, true
}

// text checks a text field for its length; what is required is not empty.
func (k *kit) text(at string, o map[string]any, name string, limit int, required bool) {
	v, ok := o[name]
	if !ok {
		if required {
			k.bad(at, "missing required field: %s", name)
		}
		return
	}
	text, ok := v.(string)
	switch n := utf8.RuneCountInString(text); {
	case !ok:
		k.bad(at+"/"+name, "must provide a string")
	case n > limit:
		k.bad(at+"/"+name, "must be less than %d characters", limit+1)
	case n == 0 && required:
		k.bad(at+"/"+name, "must be more than 0 characters")
	}
}

// words checks a text object: plain_text, or mrkdwn where that is allowed.
func (k *kit) words(at string, v any, limit int, mrkdwn bool) {
	o, ok := k.object(at, v, "text", "emoji", "verbatim")
	if !ok {
		return
	}
	kind, _ := o["type"].(string)
	switch {
	case o["type"] == nil:
		k.bad(at, "missing required field: type")
	case kind == "plain_text" && o["verbatim"] != nil:
		k.bad(at, "invalid additional property: verbatim")
	case kind == "mrkdwn" && o["emoji"] != nil:
		k.bad(at, "invalid additional property: emoji")
	case kind == "mrkdwn" && mrkdwn, kind == "plain_text":
	default:
		k.bad(at+"/type", "unsupported type: %s", kind)
	}
	k.text(at, o, "text", limit, true)
}

// must says whether a required field is there.
func (k *kit) must(at string, o map[string]any, name string) (any, bool) {
	v, ok := o[name]
	if !ok {
		k.bad(at, "missing required field: %s", name)
	}
	return v, ok
}

// list is an array of one to limit members.
func (k *kit) list(at string, o map[string]any, name string, limit int) []any {
	v, ok := k.must(at, o, name)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	switch {
	case !ok:
		k.bad(at+"/"+name, "must provide an array")
	case len(list) == 0:
		k.bad(at+"/"+name, "no less than 1 items allowed")
	case len(list) > limit:
		k.bad(at+"/"+name, "no more than %d items allowed", limit)
	}
	return list
}

func (k *kit) oneOf(at string, o map[string]any, name string, allowed ...string) {
	if v, ok := o[name]; ok {
		if text, ok := v.(string); !ok || !slices.Contains(allowed, text) {
			k.bad(at+"/"+name, "must be one of: %s", strings.Join(allowed, ", "))
		}
	}
}

func (k *kit) link(at string, o map[string]any, name string, required bool) {
	k.text(at, o, name, maxBlockURL, required)
	if link, ok := o[name].(string); ok && !isLink(link) {
		k.bad(at+"/"+name, "must be a valid URL")
	}
}

func isLink(link string) bool {
	return strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")
}

// blockID checks the id of a block, or gives it one.
func (k *kit) blockID(at string, o map[string]any) {
	if id, ok := o["block_id"].(string); ok && id != "" {
		k.text(at, o, "block_id", maxID, false)
		if k.blockIDs[id] {
			k.bad(at+"/block_id", "must be unique: block_id %s", id)
		}
		k.blockIDs[id] = true
	} else if o["block_id"] != nil && !ok {
		k.bad(at+"/block_id", "must provide a string")
	} else {
		o["block_id"] = k.newID()
	}
}

func (k *kit) block(at string, v any) {
	o, ok := v.(map[string]any)
	if !ok {
		k.bad(at, "must provide an object")
		return
	}
	kind, ok := o["type"].(string)
	if !ok {
		k.bad(at, "missing required field: type")
		return
	}
	known := map[string][]string{
		"header": {"text"}, "section": {"text", "fields", "accessory", "expand"}, "divider": {}, "context": {"elements"},
		"actions": {"elements"}, "image": {"image_url", "alt_text", "title"}, "markdown": {"text"}, "rich_text": {"elements"},
	}
	fields, ok := known[kind]
	if !ok {
		k.bad(at+"/type", "unsupported type: %s", kind)
		return
	}
	k.object(at, o, append(fields, "block_id")...)
	k.blockID(at, o)
	actions := make(map[string]bool)
	switch kind {
	case "header":
		if text, ok := k.must(at, o, "text"); ok {
			k.words(at+"/text", text, maxHeaderText, false)
		}
	case "section":
		k.section(at, o, actions)
	case "context":
		for i, e := range k.list(at, o, "elements", maxContext) {
			k.contextElement(fmt.Sprintf("%s/elements/%d", at, i), e)
		}
	case "actions":
		for i, e := range k.list(at, o, "elements", maxActions) {
			k.element(fmt.Sprintf("%s/elements/%d", at, i), e, actions)
		}
	case "image":
		k.image(at, o)
		if title, ok := o["title"]; ok {
			k.words(at+"/title", title, maxAltText, false)
		}
	case "markdown":
		k.text(at, o, "text", maxMarkdown, true)
	case "rich_text":
		k.list(at, o, "elements", 1000)
	}
}

func (k *kit) section(at string, o map[string]any, actions map[string]bool) {
	text, hasText := o["text"]
	if hasText {
		k.words(at+"/text", text, maxSectionText, true)
	}
	if _, ok := o["fields"]; ok {
		for i, f := range k.list(at, o, "fields", maxFields) {
			k.words(fmt.Sprintf("%s/fields/%d", at, i), f, maxFieldText, true)
		}
	} else if !hasText {
		k.bad(at, "missing required field: text")
	}
	if accessory, ok := o["accessory"]; ok {
		if e, ok := accessory.(map[string]any); ok && e["type"] == "image" {
			k.imageElement(at+"/accessory", e)
		} else {
			k.element(at+"/accessory", accessory, actions)
		}
	}
}

func (k *kit) contextElement(at string, v any) {
	if o, ok := v.(map[string]any); ok && o["type"] == "image" {
		k.imageElement(at, o)
		return
	}
	k.words(at, v, maxSectionText, true)
}

func (k *kit) imageElement(at string, o map[string]any) {
	k.object(at, o, "image_url", "alt_text")
	k.image(at, o)
}

func (k *kit) image(at string, o map[string]any) {
	k.link(at, o, "image_url", true)
	k.text(at, o, "alt_text", maxAltText, true)
}
