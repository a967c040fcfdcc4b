package slack

import (
	"slices"
	"strconv"
)

// span is which messages of a channel are asked for.
type span struct {
	oldest, latest string
	inclusive      bool
}

func (p span) has(ts string) bool {
	if p.oldest != "" && (ts < p.oldest || ts == p.oldest && !p.inclusive) {
		return false
	}
	return p.latest == "" || ts < p.latest || ts == p.latest && p.inclusive
}

// isTS says whether a text is a time in seconds since 1970, with a fraction.
func isTS(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// padTS lets timestamps compare as text: seconds alone get a fraction.
func padTS(text string) string {
	if text == "" || text == "0" {
		return ""
	}
	for i := range text {
		if text[i] == '.' {
			return text
		}
	}
	return text + ".000000"
}

func spanOf(r *request) (span, result) {
	p := span{oldest: r.text("oldest"), latest: r.text("latest"), inclusive: r.truth("inclusive")}
	switch {
	case p.oldest != "" && !isTS(p.oldest):
		return p, refuse("invalid_ts_oldest")
	case p.latest != "" && !isTS(p.latest):
		return p, refuse("invalid_ts_latest")
	}
	p.oldest, p.latest = padTS(p.oldest), padTS(p.latest)
	return p, nil
}

func (s *Server) conversationsHistory(r *request) result {
	c, refused := s.conversation(r)
	if refused != nil {
		return refused
	}
	p, refused := spanOf(r)
	switch {
	case refused != nil:
		return refused
	case !c.has(s.options.Bot.UserID):
		return refuse("not_in_channel")
	}
	var found []*Message
	for _, m := range slices.Backward(c.messages) {
		if p.has(m.TS) && (m.ThreadTS == "" || m.Broadcast) {
			found = append(found, m)
		}
	}
	out, refused := s.messagesPage(r, c, found)
	if refused == nil {
		out["pin_count"] = len(c.Pinned)
		out["latest"] = p.latest
		return out
	}
	return refused
}

// messagesPage is one page of messages. The cursor names the first message of
// the next page, so that what is posted meanwhile moves nothing.
func (s *Server) messagesPage(r *request, c *channel, found []*Message) (out, refused result) {
	start := 0
	if cursor := r.text("cursor"); cursor != "" {
		at := fromCursor(cursor)
		start = slices.IndexFunc(found, func(m *Message) bool { return timeOf(m.TS).UnixMicro() == int64(at) })
		if at < 0 || start < 0 {
			return nil, refuse("invalid_cursor")
		}
	}
	r.values["cursor"] = ""
	_, n, _, refused := page(r.args, len(found)-start, 100, 999)
	if refused != nil {
		return nil, refused
	}
	list := make([]map[string]any, 0, n)
	for _, m := range found[start : start+n] {
		list = append(list, s.wire(c, m, r.truth("include_all_metadata")))
	}
	next := ""
	if start+n < len(found) {
		next = toCursor(int(timeOf(found[start+n].TS).UnixMicro()))
	}
	return fine(result{"messages": list, "has_more": next != ""}).cursor(next), nil
}

func (s *Server) conversationsReplies(r *request) result {
	c, parent, refused := s.posted(r.text("channel"), r.text("ts"))
	if refused != nil {
		if refused.code() == "message_not_found" {
			return refuse("thread_not_found")
		}
		return refused
	}
	p, refused := spanOf(r)
	switch {
	case refused != nil:
		return refused
	case !c.has(s.options.Bot.UserID):
		return refuse("not_in_channel")
	}
	root := parent.TS
	if parent.ThreadTS != "" {
		root = parent.ThreadTS
	}
	var found []*Message
	for _, m := range c.messages {
		if m.TS == root || m.ThreadTS == root && p.has(m.TS) {
			found = append(found, m)
		}
	}
	out, refused := s.messagesPage(r, c, found)
	if refused != nil {
		return refused
	}
	return out
}
