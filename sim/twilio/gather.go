package twilio

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// gather plays what is nested and collects keys. The result is what its action
// is told; false means that the call goes on with the next verb.
func (l *leg) gather(ctx context.Context, v verb) (url.Values, bool) {
	l.listen(true)
	defer l.listen(false)
	bargeIn := v.attrs["bargeIn"] != "false" && v.attrs["input"] != "speech"
	for _, nested := range v.children {
		if l.sound(ctx, nested, bargeIn) || ctx.Err() != nil {
			break
		}
	}
	digits, finish, ok := l.collect(ctx, v)
	if !ok {
		return nil, false
	}
	if digits == "" && v.attrs["actionOnEmptyResult"] != "true" {
		return nil, false
	}
	return url.Values{"Digits": {digits}, "FinishedOnKey": {finish}, "msg": {"Gather End"}}, true
}

// listen begins or ends the time in which keys are heard.
func (l *leg) listen(on bool) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.listening, l.keys = on, ""
	select {
	case <-l.keyed:
	default:
	}
	l.s.touch()
}

const defaultGatherTimeout = 5

// collect waits for keys until there are enough, the finishing one came, or
// none came for the time-out; false means that the call went elsewhere.
func (l *leg) collect(ctx context.Context, v verb) (digits, finish string, ok bool) {
	finishers, set := v.attrs["finishOnKey"]
	if !set {
		finishers = "#"
	}
	wanted := number(v.attrs["numDigits"], maxLines)
	patience := time.Duration(number(v.attrs["timeout"], defaultGatherTimeout)) * time.Second
	if v.attrs["input"] == "speech" {
		return "", "", l.rest(ctx, patience)
	}
	for {
		l.s.mu.Lock()
		keys := l.keys
		l.s.mu.Unlock()
		end := -1
		if finishers != "" {
			end = strings.IndexAny(keys, finishers)
		}
		switch {
		case end >= 0 && end <= wanted:
			return keys[:end], keys[end : end+1], true
		case len(keys) >= wanted:
			return keys[:wanted], "", true
		}
		t := time.NewTimer(l.s.pace(patience))
		select {
		case <-l.keyed:
			t.Stop()
		case <-t.C:
			return keys, "", true
		case <-ctx.Done():
			t.Stop()
			return "", "", false
		}
	}
}
