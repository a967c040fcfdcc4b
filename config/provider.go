package config

import "regexp"

// accountShape is Twilio's account id, which is no secret.
var accountShape = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// providers reads the section `providers`.
func (l *loader) providers(n *node) {
	if n == nil {
		return
	}
	f := l.fields(n, n, "twilio", "slack")
	if f.has("twilio") {
		l.twilio(f.key("twilio"), f.node("twilio"))
	}
	if f.has("slack") {
		g := l.fields(f.key("slack"), f.node("slack"), "token", "signing_secret", "channel")
		l.config.Providers.Slack = &Slack{
			Token: g.secret("token", nil), SigningSecret: g.secret("signing_secret", nil), Channel: g.text("channel"),
		}
		l.warnf(f.key("slack"), "slack is not used yet: messages are sent from the version on that has the chat")
	}
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
	l.later = append(l.later, func() { l.put(KindProvider, twilioName, t.stored(), at) })
}
