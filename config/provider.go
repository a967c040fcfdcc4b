package config

import (
	"net/url"
	"regexp"
	"strings"
)

// accountShape is Twilio's account id, which is no secret.
var accountShape = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// providers reads the section `providers`.
func (l *loader) providers(n *node) {
	if n == nil {
		return
	}
	f := l.fields(n, n, "twilio", "slack", "mackerel")
	if f.has("twilio") {
		l.twilio(f.key("twilio"), f.node("twilio"))
	}
	if f.has("slack") {
		l.slack(f.key("slack"), f.node("slack"))
	}
	if f.has("mackerel") {
		l.mackerel(f.key("mackerel"), f.node("mackerel"))
	}
}

func (l *loader) slack(at, n *node) {
	f := l.fields(at, n, "token", "signing_secret", "channel", "base_url")
	s := &Slack{Token: f.secret("token", nil), SigningSecret: f.secret("signing_secret", nil), Channel: f.chatChannel("channel"), BaseURL: f.url("base_url")}
	f.need("token", "the bot's token, as in env:SLACK_TOKEN")
	f.need("signing_secret", "what signs its requests, as in env:SLACK_SIGNING")
	l.config.Providers.Slack = s
	l.afterwards(func() { l.put(KindProvider, slackName, s.stored(), at) })
}

// chatChannelShape is a channel's name or id, as people write and copy it.
var chatChannelShape = regexp.MustCompile(`^(#?[^\s#@,A-Z]{1,80}|[CG][A-Z0-9]{2,20})$`)

// chatChannel reads the name of a channel, such as "#alerts".
func (f fields) chatChannel(name string) string {
	text := f.text(name)
	if text != "" && !chatChannelShape.MatchString(text) {
		f.l.errorf(f.node(name), "%s is no channel: write its name in lower case, as in \"#alerts\", or its id", quote(text))
		return ""
	}
	return text
}

func (l *loader) twilio(at, n *node) {
	f := l.fields(at, n, "account", "token", "from", "calls_per_second", "base_url", "tariff")
	t := &Twilio{
		Account:        f.secret("account", accountShape),
		Token:          f.secret("token", nil),
		CallsPerSecond: f.rate("calls_per_second", 1, 1000),
		BaseURL:        f.url("base_url"),
	}
	f.need("account", "the id of the account, as in env:TWILIO_SID")
	f.need("token", "what signs its requests, as in env:TWILIO_TOKEN")
	if f.need("from", "the numbers that calls come from, as in [\"+815000000000\"]") {
		for _, n := range f.texts("from") {
			t.From = append(t.From, l.phone(n))
		}
	}
	if f.has("tariff") {
		g := l.fields(f.key("tariff"), f.node("tariff"), "call_minute", "sms")
		t.CallMinuteMicros, t.SMSMicros = g.money("call_minute"), g.money("sms")
		if l.currency != nil {
			t.Currency = l.currency.text
		}
	}
	l.config.Providers.Twilio = t
	l.afterwards(func() { l.put(KindProvider, twilioName, t.stored(), at) })
}

// mackerel reads { key: env:MACKEREL_KEY, base_url: … }.
func (l *loader) mackerel(at, n *node) {
	f := l.fields(at, n, "key", "base_url")
	m := &Mackerel{Key: f.secret("key", nil), BaseURL: f.url("base_url")}
	f.need("key", "a key that may write, as in env:MACKEREL_KEY")
	if strings.HasPrefix(m.BaseURL, "http://") {
		if u, err := url.Parse(m.BaseURL); err == nil && !loopback(u.Hostname()) {
			l.warnf(f.node("base_url"), "the key goes over the network in clear; use https")
		}
	}
	l.config.Providers.Mackerel = m
	l.afterwards(func() { l.put(KindProvider, mackerelName, m.stored(), at) })
}
