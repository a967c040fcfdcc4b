package twilio

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"toban/notify"
	"toban/oncall"
	"toban/store"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// ring is how long a call rings when nobody says otherwise (R21).
const ring = 25 * time.Second

// Send makes the call. The provider gets the delivery's id in the callback
// addresses, so that a callback tells whose it is even when this answer is lost.
func (v *Voice) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	if !e164.MatchString(m.To) {
		return notify.Receipt{}, &notify.Failure{Class: notify.BadAddress, Code: "e164", Err: errors.New("the number is not in E.164 form")}
	}
	rings := m.Ring
	if rings <= 0 {
		rings = ring
	}
	expires := time.Now().Add(tokenLives)
	p := &api.CreateCallParams{}
	p.SetTo(m.To)
	p.SetFrom(v.from(m.To))
	p.SetUrl(v.callback("voice", m.Delivery, expires) + insist)
	p.SetMethod("POST")
	p.SetStatusCallback(v.callback("status", m.Delivery, expires) + insist)
	p.SetStatusCallbackMethod("POST")
	p.SetStatusCallbackEvent([]string{"initiated", "ringing", "answered", "completed"})
	p.SetTimeout(int(min(max(rings, time.Second), 10*time.Minute) / time.Second))
	p.SetTimeLimit(int(talk / time.Second))
	call, err := v.api(ctx).CreateCall(p)
	if err != nil {
		return notify.Receipt{}, err
	}
	if call.Sid == nil || *call.Sid == "" {
		return notify.Receipt{}, &notify.Failure{Class: notify.Ambiguous, Code: "no_sid", Err: errors.New("the provider answered without an id")}
	}
	return notify.Receipt{ProviderID: *call.Sid, State: store.DeliverySent}, nil
}

// Cancel hangs up: a call that does not ring yet is canceled, one that has been
// answered is completed. One that is over already is what was wanted.
func (v *Voice) Cancel(ctx context.Context, r notify.Receipt) error {
	status := "canceled"
	if r.State == store.DeliveryAnswered {
		status = "completed"
	}
	report, err := v.update(ctx, r.ProviderID, status)
	if err == nil && report.State == store.DeliveryAnswered && status == "canceled" {
		_, err = v.update(ctx, r.ProviderID, "completed") // it was answered in between
	}
	var f *notify.Failure
	if errors.As(err, &f) && (f.Code == "21220" || f.Code == "20404") {
		return nil // not in progress any more, or long forgotten
	}
	return err
}

func (v *Voice) update(ctx context.Context, sid, status string) (notify.Report, error) {
	p := &api.UpdateCallParams{}
	p.SetStatus(status)
	call, err := v.api(ctx).UpdateCall(sid, p)
	if err != nil {
		return notify.Report{}, err
	}
	return reportOf(call), nil
}

const findPage = 20

// Find lists the calls to m's number since then. It asks without a start time:
// a call that still waits in the provider's queue has none.
func (v *Voice) Find(ctx context.Context, m notify.Message, since time.Time) ([]notify.Report, error) {
	p := &api.ListCallParams{}
	p.SetTo(m.To)
	p.SetFrom(v.from(m.To))
	p.SetPageSize(findPage)
	page, err := v.api(ctx).PageCall(p, "", "")
	if err != nil {
		return nil, err
	}
	since = since.Truncate(time.Second) // the provider's times have no fractions
	var found []notify.Report
	for i := range page.Calls {
		call := &page.Calls[i]
		at, known := began(call)
		if call.Sid == nil || known && at.Before(since) {
			continue
		}
		found = append(found, reportOf(call))
	}
	slices.Reverse(found) // they come newest first
	return found, nil
}

// began is when a call was made. A call in the queue may not say.
func began(call *api.ApiV2010Call) (at time.Time, known bool) {
	for _, text := range []*string{call.DateCreated, call.StartTime} {
		if text == nil {
			continue
		}
		if at, err := time.Parse(time.RFC1123Z, *text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// unknownCall is Twilio's code for a resource that does not exist.
const unknownCall = "20404"

// Fetch says how a call stands.
func (v *Voice) Fetch(ctx context.Context, r notify.Receipt) (notify.Report, error) {
	call, err := v.api(ctx).FetchCall(r.ProviderID, nil)
	if f, ok := errors.AsType[*notify.Failure](err); ok && f.Code == unknownCall {
		// It never was, or is gone: nobody is being reached by it.
		return notify.Report{ProviderID: r.ProviderID, State: store.DeliveryEnded, Outcome: oncall.Undeliverable, Minutes: -1, Code: f.Code}, nil
	}
	if err != nil {
		return notify.Report{}, err
	}
	return reportOf(call), nil
}

func reportOf(call *api.ApiV2010Call) notify.Report {
	r := notify.Report{State: store.DeliverySent, Talk: talk, Minutes: -1}
	if call.Sid != nil {
		r.ProviderID = *call.Sid
	}
	if call.Status != nil {
		r.State, r.Outcome = stateOf(*call.Status, "")
	}
	if r.State == store.DeliveryEnded && call.Duration != nil {
		if seconds, err := strconv.ParseInt(*call.Duration, 10, 64); err == nil {
			r.Minutes = (seconds + 59) / 60
		}
	}
	return r
}

// stateOf reads a call's status and the SIP code of its end. A completed call
// has no outcome of its own: whether a key was pressed is known elsewhere.
func stateOf(status, sip string) (store.DeliveryState, oncall.Outcome) {
	switch status {
	case "ringing":
		return store.DeliveryRinging, ""
	case "in-progress", "answered":
		return store.DeliveryAnswered, ""
	case "completed":
		return store.DeliveryEnded, ""
	case "busy":
		if sip == "603" { // declined by hand, told as busy
			return store.DeliveryEnded, oncall.Rejected
		}
		return store.DeliveryEnded, oncall.Busy
	case "no-answer":
		if sip == "603" {
			return store.DeliveryEnded, oncall.Rejected
		}
		return store.DeliveryEnded, oncall.NoAnswer
	case "failed":
		if sip == "603" {
			return store.DeliveryEnded, oncall.Rejected
		}
		return store.DeliveryEnded, oncall.Undeliverable
	case "canceled":
		return store.DeliveryEnded, oncall.Canceled
	}
	return store.DeliverySent, ""
}
