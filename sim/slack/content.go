package slack

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

const (
	maxText        = 40_000 // of a new message
	maxUpdateText  = 4_000  // of chat.update
	maxAttachments = 100
	maxMetadata    = 16 << 10 // bytes
	maxEventType   = 255
)

// content is what a message is made of, checked.
type content struct {
	text        string
	hasText     bool
	blocks      json.RawMessage
	hasBlocks   bool
	attachments json.RawMessage
	hasAttached bool
	metadata    json.RawMessage
	hasMetadata bool
}

func (c content) empty() bool {
	return c.text == "" && len(c.blocks) == 0 && len(c.attachments) == 0
}

// content reads text, blocks, attachments and metadata.
func (s *Server) content(r args, limit int) (content, result) {
	c := content{text: r.text("text"), hasText: r.text("text") != ""}
	if utf8.RuneCountInString(c.text) > limit {
		return c, refuse("msg_too_long")
	}
	newID := func() string { s.sequence++; return fmt.Sprintf("b%05d", s.sequence) }

	v, present, err := r.document("blocks")
	if err != nil {
		return c, refuse("invalid_blocks_format")
	}
	if c.hasBlocks = present; present {
		blocks, problems := checkBlocks(v, "/blocks", newID)
		if len(problems) > 0 {
			return c, refuseBecause("invalid_blocks", problems...)
		}
		c.blocks = blocks
	}

	v, present, err = r.document("attachments")
	if err != nil {
		return c, refuse("invalid_attachments")
	}
	if c.hasAttached = present; present {
		refused := result(nil)
		if c.attachments, refused = checkAttachments(v, newID); refused != nil {
			return c, refused
		}
	}

	v, present, err = r.document("metadata")
	if err != nil {
		return c, refuse("invalid_metadata_format")
	}
	if c.hasMetadata = present; present {
		refused := result(nil)
		if c.metadata, refused = checkMetadata(v); refused != nil {
			return c, refused
		}
	}
	return c, nil
}

func checkAttachments(v any, newID func() string) (json.RawMessage, result) {
	list, ok := v.([]any)
	switch {
	case !ok:
		return nil, refuse("invalid_attachments")
	case len(list) > maxAttachments:
		return nil, refuse("too_many_attachments")
	case len(list) == 0:
		return nil, nil
	}
	for i, one := range list {
		o, ok := one.(map[string]any)
		if !ok {
			return nil, refuse("invalid_attachments")
		}
		if blocks := o["blocks"]; blocks != nil {
			if _, problems := checkBlocks(blocks, fmt.Sprintf("/attachments/%d/blocks", i), newID); len(problems) > 0 {
				return nil, refuseBecause("invalid_attachments", problems...)
			}
		}
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, refuse("invalid_attachments")
	}
	return raw, nil
}

// checkMetadata wants an event_type and an event_payload that is an object; an
// empty object is none, and so is the empty one that clients send to a
// response_url.
func checkMetadata(v any) (json.RawMessage, result) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("invalid_metadata_format")
	}
	if len(o) == 0 || o["event_type"] == "" && o["event_payload"] == nil {
		return nil, nil
	}
	kind, ok := o["event_type"].(string)
	_, isObject := o["event_payload"].(map[string]any)
	if !ok || kind == "" || len(kind) > maxEventType || !isObject {
		return nil, refuse("invalid_metadata_schema")
	}
	raw, err := json.Marshal(o)
	switch {
	case err != nil:
		return nil, refuse("invalid_metadata_format")
	case len(raw) > maxMetadata:
		return nil, refuse("metadata_too_large")
	}
	return raw, nil
}
