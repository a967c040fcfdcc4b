package api

import (
	"time"

	"toban/i18n"
	"toban/oncall"
)

// Entry is one line of a timeline.
type Entry struct {
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Kind  string    `json:"kind" doc:"such as triggered, contact, outcome, acknowledged"`
	Actor string    `json:"actor,omitempty"`
	Text  string    `json:"text" doc:"the line as a sentence, in the language asked for"`
	Data  Data      `json:"data"`
}

// Data is what a line knows besides who and when; a kind uses some of it.
type Data struct {
	Title    string     `json:"title,omitempty"`
	Severity string     `json:"severity,omitempty"`
	Urgency  string     `json:"urgency,omitempty"`
	Service  string     `json:"service,omitempty"`
	Count    int64      `json:"count,omitempty"`
	Round    int        `json:"round,omitempty"`
	Level    int        `json:"level,omitempty"`
	User     string     `json:"user,omitempty"`
	Users    []string   `json:"users,omitempty"`
	First    string     `json:"first,omitempty"`
	Target   string     `json:"target,omitempty" doc:"kind and name, such as schedule infra"`
	Attempt  string     `json:"attempt,omitempty"`
	Delivery string     `json:"delivery,omitempty"`
	Method   string     `json:"method,omitempty"`
	Contact  string     `json:"contact,omitempty" doc:"the contact method's name, never its address"`
	Nth      int        `json:"nth,omitempty"`
	Outcome  string     `json:"outcome,omitempty"`
	Policy   string     `json:"policy,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Via      string     `json:"via,omitempty"`
	Why      string     `json:"why,omitempty"`
	Text     string     `json:"text,omitempty"`
}

func wireEntry(e oncall.Entry, s Spoken, dir *oncall.Directory) Entry {
	return Entry{
		Seq: e.Seq, At: e.At, Kind: string(e.Kind), Actor: e.Actor, Data: wireData(e.Data),
		Text: i18n.EntrySentence(s.Lang, e, s.names(dir)),
	}
}

func wireData(d oncall.EntryData) Data {
	out := Data{
		Title: d.Title, Severity: string(d.Severity), Urgency: string(d.Urgency), Service: string(d.Service), Count: d.Count,
		Round: d.Round, Level: d.Level, User: string(d.User), First: string(d.First), Attempt: string(d.Attempt), Delivery: string(d.Delivery),
		Method: string(d.Method), Contact: d.Contact, Nth: d.Nth, Outcome: string(d.Outcome), Policy: d.Policy, Until: d.Until, Via: d.Via,
		Why: d.Why, Text: d.Text,
	}
	if len(d.Users) > 0 {
		out.Users = names(d.Users)
	}
	if d.Target != nil {
		out.Target = string(d.Target.Kind) + " " + d.Target.Name
	}
	return out
}
