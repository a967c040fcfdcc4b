package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"toban/oncall"
)

// state is how the chat of an incident stands: what of it is in Slack by now. It
// is stored as JSON; what an older version did not write has to read as nothing.
type state struct {
	Where    string          `json:"where,omitempty"`    // the team whose workspace it is about
	Team     post            `json:"team,omitzero"`      // in the team's channel
	Thread   int64           `json:"thread,omitempty"`   // the last line of the timeline that its thread tells
	Digest   string          `json:"digest,omitempty"`   // the digest that tells of it instead
	Room     room            `json:"room,omitzero"`      // the channel of its own
	N        int64           `json:"n,omitempty"`        // posts begun, so that each can be told from the others
	Intent   *intent         `json:"intent,omitempty"`   // what may have been sent; nil = everything is known
	Refused  map[part]string `json:"refused,omitempty"`  // what Slack does not want at all, with its code
	Reminded time.Time       `json:"reminded,omitzero"`  // when it was last said that it still fires
	Tries    int             `json:"tries,omitempty"`    // failures in a row
	Shadowed bool            `json:"shadowed,omitempty"` // the timeline says what would have been posted
}

// post is a message that is kept up to date.
type post struct {
	Channel string    `json:"channel,omitempty"` // its id
	TS      string    `json:"ts,omitempty"`
	Shows   string    `json:"shows,omitempty"` // a hash of what it says
	Next    string    `json:"next,omitempty"`  // what it says about what happens next
	At      time.Time `json:"at,omitzero"`     // when it was last written
	Gone    bool      `json:"gone,omitempty"`  // somebody deleted it
}

// room is the channel of an incident's own.
type room struct {
	ID       string   `json:"id,omitempty"`
	Name     string   `json:"name,omitempty"`
	Taken    int      `json:"taken,omitempty"` // names that others had already
	Archived bool     `json:"archived,omitempty"`
	Topic    string   `json:"topic,omitempty"`
	Invited  []string `json:"invited,omitempty"` // members
	Singly   bool     `json:"singly,omitempty"`  // one of several could not be invited
	Card     post     `json:"card,omitzero"`
	Told     int64    `json:"told,omitempty"` // the last line of the timeline that it tells
}

// part is what of an incident's chat an operation is about.
type part string

// The parts.
const (
	partTeam   part = "team"
	partThread part = "thread"
	partDigest part = "digest"
	partRoom   part = "room"
	partCard   part = "card"
	partTell   part = "tell"
)

// intent is a request that can't be repeated without a look: saved before it is
// sent, forgotten when its answer is saved.
type intent struct {
	Part    part      `json:"part"`
	Channel string    `json:"channel,omitempty"`
	Thread  string    `json:"thread,omitempty"`
	Name    string    `json:"name,omitempty"` // of a channel to be created
	N       int64     `json:"n"`
	Seq     int64     `json:"seq,omitempty"` // the last line of the timeline that it tells
	At      time.Time `json:"at"`
}

func readState(raw json.RawMessage) (st state, err error) {
	if len(raw) == 0 {
		return st, nil
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return state{}, fmt.Errorf("state of a chat: %w", err)
	}
	return st, nil
}

// moveTo begins anew in another workspace: nothing of what was posted is there.
func (st *state) moveTo(team string) {
	if team != "" && st.Where != "" && st.Where != team {
		*st = state{N: st.N, Thread: st.Thread, Room: room{Told: st.Room.Told}, Reminded: st.Reminded, Shadowed: st.Shadowed}
	}
	if team != "" {
		st.Where = team
	}
}

// refuse notes that Slack does not want a part at all.
func (st *state) refuse(p part, code string) {
	if st.Refused == nil {
		st.Refused = map[part]string{}
	}
	st.Refused[p] = code
}

// adopt takes what an intent has turned out to have done.
func (st *state) adopt(in intent, channel, ts string) {
	switch in.Part {
	case partTeam:
		st.Team = post{Channel: channel, TS: ts, At: in.At}
	case partThread:
		st.Thread = max(st.Thread, in.Seq)
	case partRoom:
		st.Room = room{ID: channel, Name: in.Name, Told: st.Room.Told}
	case partCard:
		st.Room.Card = post{Channel: channel, TS: ts, At: in.At}
	case partTell: // a reminder in a digest's thread is the digest's own
		st.Room.Told = max(st.Room.Told, in.Seq)
	}
}

// told is the last line of the timeline that nothing has to be told of any more.
func (st *state) told(team, own bool) int64 {
	switch {
	case team && own:
		return min(st.Thread, st.Room.Told)
	case own:
		return st.Room.Told
	case team:
		return st.Thread
	}
	return 0
}

// audible reports whether a line of the timeline is news for people; the rest is
// what the machine does, and stands on the page.
func audible(e oncall.Entry) bool {
	switch e.Kind {
	case oncall.EntryRenewed:
		return e.Actor != ""
	case oncall.EntryTold:
		return e.Data.Why == string(oncall.TellCapped)
	}
	return slices.Contains([]oncall.EntryKind{
		oncall.EntryAcknowledged, oncall.EntrySnoozed, oncall.EntryResolved, oncall.EntryReopened, oncall.EntryRaised,
		oncall.EntryNote, oncall.EntryReminded, oncall.EntryDeclined, oncall.EntryEscalated, oncall.EntryRedirected,
		oncall.EntryResponder, oncall.EntryAsked, oncall.EntryLapsed, oncall.EntryCapped, oncall.EntryUnanswered,
		oncall.EntryUnreachable, oncall.EntryBroken, oncall.EntryRepeated,
	}, e.Kind)
}
