package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"toban/notify"
	"toban/notify/push"
	"toban/oncall"
)

// deviceWire is a device as its browser describes it.
type deviceWire struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
	Agent string `json:"agent"`
}

// maxDevice is how long such a description may be.
const maxDevice = 16 << 10

var errNoPush = &oncall.Error{Kind: oncall.Conflict, Code: "device.no_push", Message: "push messages are not set up here"}

// own is the user who the reader's devices are for.
func (a *Web) own(s *request) (oncall.UserID, error) {
	switch {
	case a.Push == nil:
		return "", errNoPush
	case s.who.User == "":
		return "", errVoice
	}
	return s.who.User, nil
}

func readDevice(r *http.Request) (d deviceWire, err error) {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxDevice))
	if err := decoder.Decode(&d); err != nil {
		return d, errForm
	}
	return d, nil
}

// addDevice keeps the browser that asks as one that takes push messages.
func (a *Web) addDevice(w http.ResponseWriter, r *http.Request, s *request) error {
	user, err := a.own(s)
	if err != nil {
		return err
	}
	d, err := readDevice(r)
	if err != nil {
		return err
	}
	made, err := a.Push.Devices().Add(r.Context(), user, push.Subscription{Endpoint: d.Endpoint, P256dh: d.Keys.P256dh, Auth: d.Keys.Auth, Agent: clip(d.Agent)})
	if err != nil {
		return err
	}
	return sendJSON(w, r, http.StatusCreated, map[string]string{"id": made.ID})
}

// dropDevice forgets the browser that asks.
func (a *Web) dropDevice(w http.ResponseWriter, r *http.Request, s *request) error {
	user, err := a.own(s)
	if err != nil {
		return err
	}
	d, err := readDevice(r)
	if err != nil {
		return err
	}
	if err := a.Push.Devices().Unsubscribe(r.Context(), user, d.Endpoint); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// forgetDevice forgets one that may be lost.
func (a *Web) forgetDevice(w http.ResponseWriter, r *http.Request, s *request) error {
	user, err := a.own(s)
	if err != nil {
		return err
	}
	if err := a.Push.Devices().Remove(r.Context(), user, form(r, "id")); err != nil {
		return err
	}
	s.say(w, note{Kind: "ok", Key: "flash.forgotten"})
	return s.redirect(w, r, "/me")
}

// tryDevices sends a sample to all of them.
func (a *Web) tryDevices(w http.ResponseWriter, r *http.Request, s *request) error {
	user, err := a.own(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	err = a.Push.Try(ctx, user)
	var failed *notify.Failure
	switch {
	case errors.As(err, &failed):
		s.say(w, note{Kind: "warn", Key: "flash.push.failed", Places: []string{"code", failed.Code}})
	case err != nil:
		return err
	default:
		s.say(w, note{Kind: "ok", Key: "flash.push.sent"})
	}
	return s.redirect(w, r, "/me")
}
