package twilio

import (
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// The account that a Server has when Options names none.
const (
	DemoSID    = "AC00000000000000000000000000000000"
	DemoToken  = "00000000000000000000000000000000"
	DemoNumber = "+815000000000"
)

// Options says what a Server is like. The zero value is a server with the demo
// account, whose phones ring until somebody answers them.
type Options struct {
	Accounts []Account
	People   []Person // the phones that the page shows from the start

	// CallsPerSecond is how fast calls leave an account's queue; 0 means 1, as
	// for a new account. What comes faster waits, with its queue_time.
	CallsPerSecond float64

	// Default is what a phone without a script of its own does. The zero
	// Script rings until a person answers or the call gives up.
	Default Script

	// Client sends the callbacks. Without it they go through a client of its
	// own, over the network, without any proxy.
	Client *http.Client

	// Pace is how much real time one simulated second takes: 0 means 1, and
	// 0.1 lets calls live ten times as fast. Limits of HTTP and calls per
	// second stay real.
	Pace float64

	// DialTime passes between "initiated" and "ringing"; 0 means 300 ms and a
	// negative value none.
	DialTime time.Duration

	// Speech says how long speaking a text takes; nil means a plausible time
	// by its letters.
	Speech func(language, text string) time.Duration

	// MinutePrice is what a started minute costs in US dollars; 0 means 0.075.
	MinutePrice float64

	// Zone is what the page's clock shows; nil means the machine's.
	Zone *time.Location

	// Keep is how many ended calls, and ten times as many requests, are
	// remembered; 0 means 10,000.
	Keep int
}

// Account is one customer of the simulated provider.
type Account struct {
	SID      string
	Token    string            // signs the callbacks
	OldToken string            // still accepted from clients, signs nothing
	Keys     map[string]string // API keys: SK… to secret
	Numbers  []string          // allowed as From, E.164

	CallsPerSecond float64 // 0 means the Server's
}

// Person is the owner of a phone, for the page.
type Person struct {
	Name   string
	Number string // E.164
}

func (o Options) withDefaults() Options {
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{SID: DemoSID, Token: DemoToken, Numbers: []string{DemoNumber}}}
	}
	if o.CallsPerSecond <= 0 {
		o.CallsPerSecond = 1
	}
	if o.Pace <= 0 {
		o.Pace = 1
	}
	switch {
	case o.DialTime == 0:
		o.DialTime = 300 * time.Millisecond
	case o.DialTime < 0:
		o.DialTime = 0
	}
	if o.Speech == nil {
		o.Speech = speech
	}
	if o.MinutePrice <= 0 {
		o.MinutePrice = 0.075
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Keep <= 0 {
		o.Keep = 10_000
	}
	return o
}

// speech is a calm voice: about seven Japanese letters or fourteen others in a
// second.
func speech(language, text string) time.Duration {
	per := 70 * time.Millisecond
	if strings.HasPrefix(language, "ja") || strings.HasPrefix(language, "cmn") || strings.HasPrefix(language, "ko") {
		per = 140 * time.Millisecond
	}
	return time.Duration(utf8.RuneCountInString(text)) * per
}

// ownClient reaches the callback's host directly: an HTTP proxy of the machine
// has no business with a simulation.
func ownClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
	}}
}
