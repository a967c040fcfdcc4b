package config

import (
	"encoding/json"
	"fmt"
)

// KindProvider is the kind of object that an account with a provider is: it is
// kept like everything else, so that every node and every start has it. Secrets
// in it are references.
const KindProvider = "provider"

// twilioName is the name of the object that holds the Twilio account.
const twilioName = "twilio"

// storedTwilio is Twilio as the store keeps it.
type storedTwilio struct {
	Account          storedSecret
	Token            storedSecret
	From             []string
	CallsPerSecond   float64
	BaseURL          string
	CallMinuteMicros int64
	SMSMicros        int64
	Currency         string
}

// slackName is the name of the object that holds the workspace.
const slackName = "slack"

// storedSlack is Slack as the store keeps it.
type storedSlack struct {
	Token         storedSecret
	SigningSecret storedSecret
	Channel       string
	BaseURL       string
}

func (s *Slack) stored() storedSlack {
	return storedSlack{s.Token.stored(), s.SigningSecret.stored(), s.Channel, s.BaseURL}
}

// mackerelName is the name of the object that holds the organization.
const mackerelName = "mackerel"

// storedMackerel is Mackerel as the store keeps it.
type storedMackerel struct {
	Key     storedSecret
	BaseURL string
}

func (m *Mackerel) stored() storedMackerel { return storedMackerel{m.Key.stored(), m.BaseURL} }

// storedSecret is the reference of a secret, or what may be written in clear.
type storedSecret struct{ Ref, Plain string }

func (s Secret) stored() storedSecret { return storedSecret{s.ref, s.plain} }

func (s storedSecret) secret() Secret { return Secret{ref: s.Ref, plain: s.Plain} }

func (t *Twilio) stored() storedTwilio {
	return storedTwilio{
		t.Account.stored(), t.Token.stored(), t.From, t.CallsPerSecond, t.BaseURL, t.CallMinuteMicros, t.SMSMicros, t.Currency,
	}
}

// ReadProviders reads the accounts among objects of the store.
func ReadProviders(objects []Object) (p Providers, err error) {
	for _, o := range objects {
		if o.Kind != KindProvider {
			continue
		}
		switch o.Name {
		case twilioName:
			var t storedTwilio
			err = json.Unmarshal(o.Body, &t)
			p.Twilio = &Twilio{
				Account: t.Account.secret(), Token: t.Token.secret(), From: t.From, CallsPerSecond: t.CallsPerSecond, BaseURL: t.BaseURL,
				CallMinuteMicros: t.CallMinuteMicros, SMSMicros: t.SMSMicros, Currency: t.Currency,
			}
		case slackName:
			var s storedSlack
			err = json.Unmarshal(o.Body, &s)
			p.Slack = &Slack{Token: s.Token.secret(), SigningSecret: s.SigningSecret.secret(), Channel: s.Channel, BaseURL: s.BaseURL}
		case mackerelName:
			var m storedMackerel
			err = json.Unmarshal(o.Body, &m)
			p.Mackerel = &Mackerel{Key: m.Key.secret(), BaseURL: m.BaseURL}
		case metricsName:
			var m storedMetrics
			err = json.Unmarshal(o.Body, &m)
			p.Metrics = m.metrics()
		}
		if err != nil {
			return Providers{}, fmt.Errorf("provider %s: %w", o.Name, err)
		}
	}
	return p, nil
}
