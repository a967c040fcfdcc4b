package twilio

import (
	"fmt"
	"math"
	"time"
)

const apiVersion = "2010-04-01"

// callResource is the wire form of a call; every member is a string or null.
type callResource struct {
	SID             string            `json:"sid"`
	AccountSID      string            `json:"account_sid"`
	To              string            `json:"to"`
	ToFormatted     string            `json:"to_formatted"`
	From            string            `json:"from"`
	FromFormatted   string            `json:"from_formatted"`
	Status          Status            `json:"status"`
	StartTime       *string           `json:"start_time"`
	EndTime         *string           `json:"end_time"`
	Duration        *string           `json:"duration"`
	Price           *string           `json:"price"`
	PriceUnit       string            `json:"price_unit"`
	Direction       string            `json:"direction"`
	AnsweredBy      *string           `json:"answered_by"`
	APIVersion      string            `json:"api_version"`
	QueueTime       string            `json:"queue_time"`
	DateCreated     *string           `json:"date_created"`
	DateUpdated     *string           `json:"date_updated"`
	ParentCallSID   *string           `json:"parent_call_sid"`
	PhoneNumberSID  *string           `json:"phone_number_sid"`
	ForwardedFrom   *string           `json:"forwarded_from"`
	CallerName      *string           `json:"caller_name"`
	GroupSID        *string           `json:"group_sid"`
	TrunkSID        *string           `json:"trunk_sid"`
	Annotation      *string           `json:"annotation"`
	URI             string            `json:"uri"`
	SubresourceURIs map[string]string `json:"subresource_uris"`
}

// resource describes the call as it is. s.mu is held.
func (l *leg) resource() callResource {
	base := l.path()
	r := callResource{
		SID: l.sid, AccountSID: l.account.SID,
		To: l.params.to, ToFormatted: l.params.to, From: l.params.from, FromFormatted: l.params.from,
		Status: l.status, StartTime: rfc2822(l.dialed), EndTime: rfc2822(l.ended),
		PriceUnit: "USD", Direction: "outbound-api", APIVersion: apiVersion,
		AnsweredBy: optional(l.answeredBy), QueueTime: fmt.Sprint(l.slot.Sub(l.created).Milliseconds()),
		DateCreated: rfc2822(l.created), DateUpdated: rfc2822(l.updated),
		PhoneNumberSID: optional("PN" + l.account.SID[min(2, len(l.account.SID)):]),
		URI:            base + ".json",
		SubresourceURIs: map[string]string{
			"notifications": base + "/Notifications.json",
			"recordings":    base + "/Recordings.json",
		},
	}
	if l.status == StatusCompleted {
		seconds, minutes := l.duration()
		r.Duration = optional(fmt.Sprint(seconds))
		r.Price = optional(fmt.Sprintf("-%.5f", float64(minutes)*l.s.options.MinutePrice))
	}
	return r
}

// path is the call's address without its ending.
func (l *leg) path() string {
	return "/" + apiVersion + "/Accounts/" + l.account.SID + "/Calls/" + l.sid
}

// duration is the talk in simulated seconds, and in started minutes. s.mu is held.
func (l *leg) duration() (seconds, minutes int) {
	if l.answered.IsZero() || l.ended.IsZero() {
		return 0, 0
	}
	talk := l.ended.Sub(l.answered).Seconds() / l.s.options.Pace
	return int(math.Round(talk)), max(1, int(math.Ceil(talk/60)))
}

func rfc2822(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return optional(t.UTC().Format(time.RFC1123Z))
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
